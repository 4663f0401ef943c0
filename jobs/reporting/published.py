"""Figures that a platform or the press published: published_figures.yaml of its folder, which may be missing."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from jobs.money import half_up
from jobs.rulebook.plain_yaml import read_yaml
from jobs.rulebook.strict import Strict, Text, WholeNumber, validated

# What `fentan generate` is made to meet; every other figure follows from the rules and the members.
CALIBRATED_IN_SAMPLES = frozenset({"covered", "cases", "helped", "fraud_cases"})


class Figure(Strict):
    """One published figure. `of`: a period or a year; `plan` may be `all`; `confidence` A to C."""

    of: Text
    plan: Text
    measure: Text
    value: WholeNumber
    unit: Literal["fen", "members", "cases", "ppm"]
    confidence: Literal["A", "B", "C"]


class FiguresDocument(Strict):
    """published_figures.yaml: the figures that the platform or the press published."""

    description: Text
    figures: list[Figure]


def published_figures(platform_id: str, folder: Traversable | Path | None = None) -> tuple[Figure, ...]:
    """Every figure, in the order of the file; raises WrongUsage naming the file and the key of a fault."""
    root = folder if folder is not None else files("conf").joinpath("platforms")
    entry, file = root.joinpath(platform_id).joinpath("published_figures.yaml"), f"{platform_id}/published_figures.yaml"
    if not entry.is_file():
        return ()
    return tuple(validated(FiguresDocument, read_yaml(entry, file), file).figures)


def scaled(value: int, parts: int, whole: int) -> int | None:
    """A published figure at another scale, half up; None where the scale is not known."""
    return half_up(value * parts, whole) if whole > 0 else None
