"""Corrections in reports: one line per closed period and revision, sums per other period, tables in both languages."""

from jobs.base.catalogue import Text
from jobs.reporting.corrections import correction_lines, correction_measures
from jobs.reporting.corrections_section import corrections_section
from jobs.reporting.measures import CORRECTION_AMOUNTS
from jobs.reporting.pages import render
from jobs.reporting.text import Page
from tests.unit.test_notice_page import PLAN, notice_of_a_hundred_million, page_of

P, Q = "2020-12-P1", "2021-01-P1"
HOSTILE = "<script>alert(1)</script>"


def pool(revision: int = 1, **amounts) -> dict:
    """Example 1: aid 500, fee 40, nine members asked 54 each, one pooled."""
    row = {"delta_benefit_fen": 500, "delta_fee_fen": 40, "delta_due_fen": 540, "asked_fen": 486, "refunded_fen": 0,
           "written_off_fen": 0, "pooled_fen": 54, "adjusted_fen": -54}  # fmt: skip
    return {"plan_id": PLAN, "period": Q, "origin_period": P, "revision": revision, "reason": "a claim came late",
            "run_id": "x", **row, **amounts}  # fmt: skip


def case(revision: int = 1, recovered_fen: int = 0) -> dict:
    return {"plan_id": PLAN, "period": Q, "origin_period": P, "revision": revision, "recovered_fen": recovered_fen}


def test_a_line_has_reason_cases_and_amounts():
    first, second = correction_lines([pool(2, delta_benefit_fen=-540), pool()], [case(2, 540), case(1), case(2)])
    assert (first["revision"], first["case_count"], first["recovered_fen"], first["adjusted_fen"]) == (1, 1, 0, -54)
    assert (second["revision"], second["case_count"], second["recovered_fen"]) == (2, 2, 540)
    assert set(first) == {"plan_id", "period", "origin_period", "revision", "reason", "case_count", *CORRECTION_AMOUNTS}


def test_the_summary_has_the_sums_of_each_other_period():
    lines = correction_lines([pool(), pool(2, asked_fen=-6, delta_due_fen=-6)], [case()])
    rows = list(correction_measures(lines, []))
    assert {row["topic"] for row in rows} == {"corrections"} and {row["item"] for row in rows} == {P}
    values = {row["measure"]: row["amount_fen"] for row in rows if row["measure"] != "case_count"}
    assert (values["asked_fen"], values["delta_due_fen"], values["pooled_fen"]) == (480, 534, 108)
    assert [row["quantity"] for row in rows if row["measure"] == "case_count"] == [1]
    (row,) = [row for row in correction_measures([], lines) if row["measure"] == "adjusted_fen"]
    assert (row["topic"], row["item"], row["amount_fen"]) == ("corrected", Q, -108)


def test_the_report_of_both_periods_shows_them_and_text_stays_text():
    lines = correction_lines([pool(reason=HOSTILE)], [])
    assert corrections_section([], [], lambda name: Text(name, name)) is None
    for into, of_period, shown in ((lines, [], P), ([], lines, Q)):
        section = corrections_section(into, of_period, lambda name: Text(name, name))
        html = render(Page("x.html", section.title, section.title, (section,), ()))
        assert shown in html and "+5.40" in html and "4.86" in html and "-0.54" in html
        assert html.count("<script") == 1 and "&lt;script&gt;alert(1)" in html
        assert "补收" in html and "additional dues" in html


def test_the_notice_lists_what_is_posted_into_the_period(xianghubao):
    notice = notice_of_a_hundred_million()
    assert "posted into this one" not in page_of(notice, xianghubao)
    notice.corrections.extend(correction_lines([pool()], [case()]))
    html = page_of(notice, xianghubao)
    assert "posted into this one" in html and "a claim came late" in html and "以往各期更正" in html
