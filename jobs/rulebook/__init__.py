"""Reads the dated rules of a platform from YAML into the frozen values of `jobs.rulebook.rules`."""

from jobs.rulebook.loader import load_platform, platform_ids

__all__ = ["load_platform", "platform_ids"]
