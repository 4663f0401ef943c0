"""Strict reading of YAML: every fault names the file and the key."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from jobs.errors import WrongUsage


class Fault(WrongUsage):
    """A fault of the rulebook; exit code 2."""

    def __init__(self, file: str, key: str, what: str):
        super().__init__(f"{file}: {key}: {what}. Nothing was done. Correct the file and run again.")


def read_yaml(entry, file: str) -> Mapping[str, Any]:
    """The mapping in a YAML file; a key given twice, a float or anything but a mapping is a fault."""
    try:
        document = YAML(typ="safe", pure=True).load(entry.read_text(encoding="utf-8"))
    except DuplicateKeyError as error:
        raise Fault(file, str(error.problem), "given twice") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(file, "file", f"cannot be read ({type(error).__name__})") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Fault(file, f"line {mark.line + 1}" if mark else "file", "is not YAML") from error
    if not isinstance(document, dict):
        raise Fault(file, "file", "must hold keys and values")
    _refuse_floats(document, file, "")
    return document


def exact_keys(found: Any, wanted: tuple[str, ...], file: str, key: str) -> None:
    """Raises unless the mapping has exactly these keys."""
    if not isinstance(found, dict):
        raise Fault(file, key, f"must hold {', '.join(wanted)}")
    for unknown in found.keys() - set(wanted):
        raise Fault(file, f"{key}.{unknown}".lstrip("."), f"is not known; known are {', '.join(wanted)}")
    for missing in [name for name in wanted if name not in found]:
        raise Fault(file, f"{key}.{missing}".lstrip("."), "is missing")


def text(value: Any, file: str, key: str) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise Fault(file, key, "must be a text that says something")
    return value.strip()


def whole_number(value: Any, file: str, key: str) -> int:
    """An integer of at least zero."""
    if type(value) is not int or value < 0:
        raise Fault(file, key, "must be a whole number of at least 0")
    return value


def day(value: Any, file: str, key: str) -> date:
    """A date written as YYYY-MM-DD."""
    if type(value) is not date:
        raise Fault(file, key, "must be a date like 2020-12-07")
    return value


def one_of(value: Any, known: tuple[str, ...], file: str, key: str) -> str:
    """One of the known words."""
    if value not in known:
        raise Fault(file, key, f"is {value!r}; it must be one of {', '.join(known)}")
    return value


def yes_no(value: Any, file: str, key: str) -> bool:
    """true or false."""
    if type(value) is not bool:
        raise Fault(file, key, "must be true or false")
    return value


def _refuse_floats(value: Any, file: str, key: str) -> None:
    if isinstance(value, float):
        raise Fault(file, key, f"is {value}, a fraction; write whole numbers (fen, ppm, days, years)")
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        _refuse_floats(child, file, f"{key}.{name}".lstrip("."))
