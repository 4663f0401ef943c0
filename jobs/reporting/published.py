"""The figures that a platform published: its published_figures.yaml in conf/platforms, if it has one."""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jobs.money import half_up
from jobs.rulebook.strict import Fault, exact_keys, one_of, read_yaml, text, whole_number

KEYS = ("of", "plan", "measure", "value", "unit", "confidence")
UNITS = ("fen", "members", "cases", "ppm")
# Measures of a year, in the order of the comparison; `covered` of a year or a period serves to scale the others.
YEAR_MEASURES = (
    "helped", "share_year", "shared_out", "fee_received", "used_investigation", "used_technology", "fraud_cases",
    "fraud_saved", "covered",
)  # fmt: skip
PERIOD_MEASURES = ("covered", "cases", "share", "billed")
# `fentan generate` is calibrated to these measures; every other figure follows from the rules and the members.
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
    """The figures in the order of the file, none without a file; raises WrongUsage with the file and key of a fault."""
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
    of = text(row["of"], file, f"{key}.of")
    return Figure(
        of=of,
        plan=text(row["plan"], file, f"{key}.plan"),
        measure=one_of(row["measure"], YEAR_MEASURES if of.isdigit() else PERIOD_MEASURES, file, f"{key}.measure"),
        value=whole_number(row["value"], file, f"{key}.value"),
        unit=one_of(row["unit"], UNITS, file, f"{key}.unit"),
        confidence=one_of(row["confidence"], ("A", "B", "C"), file, f"{key}.confidence"),
    )


def scaled(value: int, parts: int, whole: int) -> int | None:
    """value * parts / whole, half up; None if the whole is zero: the scale is not known."""
    return half_up(value * parts, whole) if whole > 0 else None
