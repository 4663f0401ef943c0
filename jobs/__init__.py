"""Fentan settles mutual-aid plans: entry points, one per command."""
