"""Starts the program `fentan` with its own packages, whatever other packages of these names are on PYTHONPATH.

It is a module of its own because it must be found where `jobs` is another's, and import nothing that may be wrong.
"""

import os
import re
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec

PACKAGES = ("jobs", "schemas", "expectations", "conf")
SPARK = "4.1"


def _home() -> str:
    """The folder or wheel of our packages: where `jobs` is if it runs already (`python -m jobs.cli`), else where we
    are."""
    main_module = getattr(sys.modules["__main__"], "__spec__", None)
    is_running = "jobs.cli" in sys.modules or (main_module is not None and main_module.name == "jobs.cli")
    running = sys.modules.get("jobs") if is_running else None
    return os.path.dirname(os.path.abspath(running.__path__[0] if running else __file__))


class OwnPackages:
    """Finds our packages at home, before Python looks along its path."""

    home = _home()

    @classmethod
    def find_spec(cls, name: str, path=None, target=None) -> ModuleSpec | None:
        """The package `name` if it is ours; None for any other module."""
        return PathFinder.find_spec(name, [cls.home]) if name in PACKAGES else None


def _check_loaded() -> None:
    """Ends the program with 2 if something has loaded another package of such a name before us."""
    for name in set(PACKAGES) & sys.modules.keys():
        own = os.path.realpath(os.path.join(OwnPackages.home, name))
        places = [*getattr(sys.modules[name], "__path__", ()), getattr(sys.modules[name], "__file__", None)]
        if os.path.realpath(places[0] or "") != own:
            _stop(
                f"another package {name} is loaded already, from {places[0]}. Nothing was done. Rename it, or take "
                "what loads it (a sitecustomize, a .pth file) off Python's path."
            )


def _check_pyspark() -> None:
    """Ends the program with 2 if Python would load another PySpark, such as a cluster's from PYTHONPATH."""
    spec = find_spec("pyspark")
    folder = next(iter(spec.submodule_search_locations or ()), None) if spec else None
    if folder is None:
        _stop("PySpark is not installed. Nothing was done. Run `make setup`, or install the wheel with pip.")
    try:
        read = getattr(spec.loader, "get_data")  # noqa: B009, not every loader has it
        text = read(os.path.join(folder, "version.py")).decode()
    except (AttributeError, OSError):
        text = ""
    number = re.search(r"""__version__[^'"\n]*['"]([^'"]+)""", text)
    if number is None or not number[1].startswith(f"{SPARK}."):
        version = f"version {number[1]}" if number else "no version"
        _stop(
            f"PySpark at {folder} has {version}; {SPARK} is needed. Nothing was done. Take that folder off PYTHONPATH, "
            "or install the version that pyproject.toml names."
        )


def _stop(message: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"fentan: {message}\n")
    raise SystemExit(2)


_check_loaded()
_check_pyspark()
if OwnPackages not in sys.meta_path:
    sys.meta_path.insert(0, OwnPackages)


def main() -> int:
    """Runs the command of the process's words; the entry point of the installed program."""
    from jobs import cli

    return cli.main()


if __name__ == "__main__":
    raise SystemExit(main())
