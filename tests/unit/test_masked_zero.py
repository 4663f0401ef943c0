"""A hidden count is a dash on pages and in plots, never zero; zero is shown only where nothing is hidden."""

import re
from types import SimpleNamespace

import pytest

from jobs.base.catalogue import Text
from jobs.register.runs import Run
from jobs.reporting.annual import YearReport
from jobs.reporting.annual_page import YearPage
from jobs.reporting.masking import GroupTraits, coarsened
from jobs.reporting.measures import ANNUAL, PERIOD
from jobs.reporting.members_section import members_section
from jobs.reporting.text import Figure, Table

MASKED, OPEN, FLOOR = "critical_illness", "senior_cancer", 5
YOUNG, OLD = (GroupTraits("standard", band, "24+", "all") for band in ("30-39", "40-49"))
LEFT = GroupTraits("standard", "40-49", "24+", "left")
# One member joined the first plan: masked. In the second plan no group is below the floor.
GROUPS = {
    (MASKED, "covered"): {YOUNG: 10, OLD: 8},
    (MASKED, "joined"): {YOUNG: 1},
    (MASKED, "ended"): {LEFT: 6},
    (OPEN, "covered"): {YOUNG: 7, OLD: 7},
    (OPEN, "joined"): {YOUNG: 5},
}


def period_rows() -> list[dict]:
    return [
        PERIOD.row("members", measure, count, plan_id=plan_id, **traits._asdict())
        for (plan_id, measure), groups in GROUPS.items()
        for traits, count in coarsened(groups, FLOOR).items()
    ]


def parts_of(section, kind) -> list:
    return [part for part in section.parts if isinstance(part, kind)]


def members_of(drawn_plan: str):
    return members_section(period_rows(), lambda plan_id: Text(plan_id, plan_id), drawn_plan, FLOOR)


def cells_by_name(table: Table) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The numbers of each row, by the English names in its first two cells."""
    named = [tuple(cell.en if isinstance(cell, Text) else str(cell) for cell in row) for row in table.rows]
    return {row[:2]: row[2:] for row in named}


def test_a_masked_count_is_a_dash_in_the_tables_of_its_plan():
    by_age, by_months, _ = parts_of(members_of(MASKED), Table)
    # covered, joined, ended, lapsed
    assert cells_by_name(by_age) == {
        (MASKED, "30–39"): ("10", "–", "–", "–"),
        (MASKED, "40–49"): ("8", "–", "6", "–"),
        (MASKED, "not shown"): ("–", "1", "–", "–"),
        (OPEN, "30–39"): ("7", "5", "0", "0"),
        (OPEN, "40–49"): ("7", "0", "0", "0"),
    }
    assert list(cells_by_name(by_months).values()) == [
        ("18", "–", "6", "–"), ("–", "1", "–", "–"), ("14", "5", "0", "0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("plan_id", "labels"), [(MASKED, ["–", "–", "–", "6", "1", "–"]), (OPEN, ["5", "0", "0", "0"])]
)
def test_a_masked_count_is_a_dash_in_the_plot(plan_id, labels):
    (drawn,) = parts_of(members_of(plan_id), Figure)
    for svg, description in ((drawn.svg.en, drawn.description.en), (drawn.svg.zh, drawn.description.zh)):
        assert sorted(re.findall(r">([0-9–]+)</text>", svg)).count("–") == labels.count("–")
        bars = re.findall(r'aria-label="[^"]*: ([0-9]+); [^"]*"', svg)
        assert sorted(bars) == sorted(label for label in labels if label != "–")
        assert re.findall(r" ([0-9–]+)(?=[,;]|$)", description) == labels


def year_page(platform, rows: list[dict]):
    request = SimpleNamespace(platform=platform)
    run = Run("report", platform.platform_id, "2020", (), {}, {}, {})
    return YearPage(YearReport(2020, rows, [], ["2020-12-P1"], run), request)


def helped(sex: str, illness: str, count: int) -> dict:
    return ANNUAL.row("helped", "helped_by_illness", count, sex=sex, item=illness)


def test_a_masked_illness_is_a_dash(xianghubao):
    """One woman with lung cancer is counted under other illnesses; no man is."""
    rows = [helped("F", "breast_cancer", 9), helped("F", "other_severe", 1), helped("M", "lung_cancer", 7)]
    drawn, table = year_page(xianghubao, rows)._by_illness()
    assert [(str(row[1]), str(row[2])) for row in table.rows] == [("9", "0"), ("–", "7"), ("1", "0")]
    assert re.findall(r">(–)</text>", drawn.svg.en) == ["–"]
    bars = re.findall(r'aria-label="[^"]*: ([0-9]+); [^"]*"', drawn.svg.en)
    assert sorted(bars) == ["0", "0", "1", "7", "9"]
