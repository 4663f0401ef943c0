"""The statement of a year lists what corrections posted into its periods, with what became of it. No Java."""

from datetime import date

import pytest

from jobs.explaining.correction_rows import adjustments_of_year
from jobs.lake.small import SmallTables
from jobs.register.publications import corrections, publish, published
from schemas import TABLES

PLAN, P, Q = "critical_illness", "2020-12-P1", "2021-01-P1"


def row(table: str, **values) -> dict:
    known = {"period": Q, "plan_id": PLAN, "origin_period": P, "revision": 1, "member_id": 7, "payer_id": 1}
    return {name: {**known, **values}.get(name) for name in TABLES[table].column_names}


@pytest.fixture
def small(tmp_path):
    """A correction of P into Q asks 54 of member 7, whose payer is 1, and pools 3; Q is collected."""
    small = SmallTables(str(tmp_path))
    parts = (("asked", 54), ("pooled", 3))
    rows = [
        row("settled/adjustments", disposition=name, delta_fen=fen, reason="share", run_id="c") for name, fen in parts
    ]
    small.append(TABLES["settled/adjustments"], rows, "c")
    publish(small, "correct", Q, "c", {PLAN: "digest"}, origin_period=P)
    met = {"disposition": "asked", "delta_fen": 54, "met_fen": 54, "status": "collected", "run_id": "k"}
    collected = [row("settled/adjustment_collections", collected_on=date(2021, 1, 14), **met)]
    small.append(TABLES["settled/adjustment_collections"], collected, "k")
    publish(small, "collect", Q, "k", {PLAN: "digest"})
    return small


def of_year(small, year, **whose):
    return adjustments_of_year(small, corrections(small), year, published(small, "collect"), whose)


def test_the_adjustments_of_a_member_and_of_a_payer(small):
    for whose in ({"member_id": 7}, {"payer_id": 1}):
        asked, pooled = of_year(small, 2021, **whose)
        assert (asked["disposition"], asked["delta_fen"], asked["met_fen"], asked["status"]) == (
            "asked",
            54,
            54,
            "collected",
        )
        assert (pooled["disposition"], pooled["status"]) == ("pooled", None)
    assert of_year(small, 2021, member_id=8) == [] and of_year(small, 2020, member_id=7) == []
