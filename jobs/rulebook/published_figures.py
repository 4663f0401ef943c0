"""The figures that a platform published: its published_figures.yaml in conf/platforms, if it has one."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from pydantic import ValidationInfo, field_validator

from jobs.base.strict import Strict, Text, WholeNumber, refusal, validated
from jobs.rulebook.plain_yaml import read_yaml

# Measures of a year, in the order of the comparison; `covered` of a year or a period serves to scale the others.
YEAR_MEASURES = (
    "helped", "share_year", "shared_out", "fee_received", "used_investigation", "used_technology", "fraud_cases",
    "fraud_saved", "covered",
)  # fmt: skip
PERIOD_MEASURES = ("covered", "cases", "share", "billed")


class Figure(Strict):
    """One published figure. `of`: a period or a year; `plan` may be `all`; `confidence` A to C."""

    of: Text
    plan: Text
    measure: Text
    value: WholeNumber
    unit: Literal["fen", "members", "cases", "ppm"]
    confidence: Literal["A", "B", "C"]

    @field_validator("of")
    @classmethod
    def _is_a_year_or_period(cls, of: str) -> str:
        if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}-P[1-9])?", of):
            raise refusal(f"is {of!r}; it must be a year or a period, e.g. 2020 or 2020-12-P1")
        return of

    @field_validator("measure")
    @classmethod
    def _is_known(cls, measure: str, info: ValidationInfo) -> str:
        known = YEAR_MEASURES if info.data.get("of", "").isdigit() else PERIOD_MEASURES
        if measure not in known:
            raise refusal(f"is {measure!r}; it must be one of {', '.join(known)}")
        return measure


class FiguresDocument(Strict):
    """published_figures.yaml: the figures that the platform or the press published."""

    description: Text
    figures: list[Figure]


def published_figures(platform_id: str, folder: Traversable | Path | None = None) -> tuple[Figure, ...]:
    """The figures in the order of the file, none without a file; raises WrongUsage with the file and key of a fault."""
    root = folder if folder is not None else files("conf").joinpath("platforms")
    entry, file = root.joinpath(platform_id).joinpath("published_figures.yaml"), f"{platform_id}/published_figures.yaml"
    if not entry.is_file():
        return ()
    return tuple(validated(FiguresDocument, read_yaml(entry, file), file).figures)
