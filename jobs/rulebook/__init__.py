"""Reads a platform's dated, cited rules from YAML into the frozen values of `jobs.rulebook.rules`."""

from jobs.rulebook.loader import load_platform, platform_ids

__all__ = ["load_platform", "platform_ids"]
