"""Conf shipped with the program: environments, and the platforms with their dated rules."""
