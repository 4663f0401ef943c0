"""The version of the program."""

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """The installed version; "0" where the wheel is on the path but not installed, as on a cluster."""
    try:
        return version("fentan")
    except PackageNotFoundError:
        return "0"
