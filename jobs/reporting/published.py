"""What a platform published of itself: its published_figures.yaml in conf/platforms; nothing where there is none."""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jobs.money import half_up
from jobs.rulebook.strict import Fault, exact_keys, one_of, read_yaml, text, whole_number

KEYS = ("of", "plan", "measure", "value", "unit", "confidence")
UNITS = ("fen", "members", "cases", "ppm")
# What `fentan generate` is made to meet; every other figure follows from the rules and the members.
CALIBRATED_IN_SAMPLES = frozenset({"covered", "cases", "helped", "fraud_cases"})


@dataclass(frozen=True)
class Figure:
    """One published figure. `of`: a period or a year; `plan` may be `all`; `confidence` A to C."""

    of: str
    plan: str
    measure: str
    value: int
    unit: str
    confidence: str


def published_figures(platform_id: str, folder: Traversable | Path | None = None) -> tuple[Figure, ...]:
    """Every figure, in the order of the file; raises WrongUsage naming the file and the key of a fault."""
    root = folder if folder is not None else files("conf").joinpath("platforms")
    entry, file = root.joinpath(platform_id).joinpath("published_figures.yaml"), f"{platform_id}/published_figures.yaml"
    if not entry.is_file():
        return ()
    document = read_yaml(entry, file)
    exact_keys(document, ("description", "figures"), file, "")
    if not isinstance(document["figures"], list):
        raise Fault(file, "figures", "must be a list")
    return tuple(_figure(row, file, f"figures.{number}") for number, row in enumerate(document["figures"]))


def _figure(row: dict, file: str, key: str) -> Figure:
    exact_keys(row, KEYS, file, key)
    return Figure(
        of=text(row["of"], file, f"{key}.of"),
        plan=text(row["plan"], file, f"{key}.plan"),
        measure=text(row["measure"], file, f"{key}.measure"),
        value=whole_number(row["value"], file, f"{key}.value"),
        unit=one_of(row["unit"], UNITS, file, f"{key}.unit"),
        confidence=one_of(row["confidence"], ("A", "B", "C"), file, f"{key}.confidence"),
    )


def scaled(value: int, parts: int, whole: int) -> int | None:
    """A published figure at another scale, half up; None where the scale is not known."""
    return half_up(value * parts, whole) if whole > 0 else None
