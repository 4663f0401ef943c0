"""Comparisons of a preview: changes in order of size, and the duration of earlier settlements. No Spark."""

import json
from types import SimpleNamespace

import pytest

from jobs.lake.small import SmallTables
from jobs.works.preview_changes import (
    changes_text,
    corrections_brought,
    corrections_text,
    due_changes,
    expected_run,
    expected_text,
    share_changes,
)
from schemas import TABLES
from tests.runs_recorded import done

PLAN, OTHER = "critical_illness", "senior_cancer"


def pool(benefit_fen, due_fen, **values):
    return {"case_count": 1, "benefit_fen": benefit_fen, "fee_fen": 0, "case_sponsored_fen": 0, "due_fen": due_fen,
            "brought_forward_fen": 0, "rounding": "ceil_fen", **values}  # fmt: skip


def rate(tier, covered, share_fen, **values):
    return {"tier": tier, "covered_count": covered, "weight_ppm": 1_000_000, "share_fen": share_fen, **values}


@pytest.fixture
def compared():
    """A plan whose aid doubles and that has a new tier; another whose aid falls; one without history."""
    rates_before = [rate("standard", 10, 10, plan_id=PLAN), rate("standard", 10, 100, plan_id=OTHER)]
    history = SimpleNamespace(
        previous_pools={PLAN: pool(100, 100, plan_id=PLAN), OTHER: pool(1_000, 1_000, plan_id=OTHER)},
        few_rows=lambda table, plan_ids, periods: [r for r in rates_before if r["plan_id"] in plan_ids],
    )
    calendar = SimpleNamespace(previous=lambda period: "before")
    request = SimpleNamespace(platform=SimpleNamespace(calendar=calendar), period="now")
    settled = SimpleNamespace(
        pools={PLAN: pool(200, 220), OTHER: pool(500, 500), "chronic": pool(7, 7)},
        rates={
            PLAN: [rate("standard", 10, 19), rate("basic", 1, 19)],
            OTHER: [rate("standard", 10, 50)],
            "chronic": [rate("standard", 1, 7)],
        },
    )
    return SimpleNamespace(request=request, history=history), settled


def test_the_largest_change_comes_first_with_parts_that_add_up(compared):
    rows = share_changes(*compared)
    assert [(r["plan_id"], r["tier"], r["before_fen"], r["now_fen"], r["change_fen"]) for r in rows] == [
        (OTHER, "standard", 100, 50, -50), (PLAN, "standard", 10, 19, 9),
    ]  # fmt: skip
    assert all(sum(row["parts"].values()) == row["change_fen"] for row in rows)
    # 200 over 10 is 20; with an eleventh, of the new tier, 18.2 -> 19: it has a weight only with today's weights
    assert {part: fen for part, fen in rows[1]["parts"].items() if fen} == {"benefits": 10, "weights": -1}
    assert [(r["plan_id"], r["change_fen"]) for r in due_changes(*compared)] == [(OTHER, -500), (PLAN, 120)]


def test_the_text_has_the_changes_in_yuan_and_per_cent(compared):
    text = changes_text(share_changes(*compared), due_changes(*compared))
    for expected in ("-0.50", "-50.0%", "+90.0%", "brought forward", "+120.0%"):
        assert expected in text, (expected, text)
    assert changes_text([], []) == "No previous period to compare with"


@pytest.fixture
def small(tmp_path):
    return SmallTables(str(tmp_path))


def recorded(small, number, milliseconds, plan_ids=(PLAN,), job="settle"):
    run_id = done(small, job, "2020-12-P1", plan_ids, number=number)
    (row,) = small.rows("control/runs", f"run_id = '{run_id}'")
    stages = [{"stage": stage, "milliseconds": taken} for stage, taken in milliseconds]
    row["settings"] = json.dumps({"as_of": "2020-12-26", "stages": stages})
    small.replace(TABLES["control/runs"], [row], f"run_id = '{run_id}'", run_id)
    return run_id


def test_the_expected_time_is_the_median_of_the_last_settlements_of_the_same_plans(small):
    assert expected_run(small, [PLAN]) is None and "not known" in expected_text(None)
    recorded(small, 0, [("writing", 9_999_999)], (OTHER,))
    assert not expected_run(small, [PLAN])["of_same_plans"]
    recorded(small, 1, [("writing", 8_888_888)])  # the oldest of six is left out
    ids = [recorded(small, 2 + n, [("judging", n), ("writing", 1_000 * n), ("judging", n)]) for n in range(1, 6)]
    recorded(small, 9, [("writing", 1)], job="collect")
    expected = expected_run(small, [PLAN])
    assert (expected["run_ids"], expected["milliseconds"], expected["of_same_plans"]) == (ids, 3_006, True)
    assert expected["stages"] == [
        {"stage": "judging", "milliseconds": 6}, {"stage": "writing", "milliseconds": 3_000},
    ]  # fmt: skip
    assert "3.0 s" in expected_text(expected) and "last 5 settlements of these plans" in expected_text(expected)


def test_every_correction_into_the_period_has_its_line():
    empty = {column.name: 0 for column in TABLES["settled/adjusted_pools"].columns}
    late = {**empty, "plan_id": PLAN, "origin_period": "P1", "revision": 2, "reason": "a late claim",
            "delta_case_count": 1, "delta_benefit_fen": 30_000_00, "asked_fen": 32_400_00,
            "adjusted_fen": -12}  # fmt: skip
    left = {**empty, "plan_id": PLAN, "origin_period": "P1", "revision": 1, "reason": "[3] had left"}
    other = {**empty, "plan_id": OTHER, "origin_period": "P1", "revision": 1, "reason": "not previewed"}
    into = SimpleNamespace(into=lambda period: SimpleNamespace(pool_rows=lambda: [late, other, left]))
    pinned = SimpleNamespace(history=SimpleNamespace(corrections=into), request=SimpleNamespace(period="P3"))
    rows = corrections_brought(pinned, {PLAN: {}})
    assert [(row["revision"], row["delta_case_count"], row["asked_fen"]) for row in rows] == [
        (1, 0, 0),
        (2, 1, 32_400_00),
    ]
    text = corrections_text(rows)
    for shown in ("P1", "a late claim", "[3] had left", "30,000.00", "32,400.00", "-0.12"):
        assert shown in text
    assert "not previewed" not in text


def test_without_corrections_there_is_no_table_of_them():
    pinned = SimpleNamespace(history=SimpleNamespace(corrections=None))
    assert corrections_brought(pinned, {PLAN: {}}) == [] and corrections_text([]) == ""
