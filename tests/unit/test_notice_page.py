"""A notice of the largest published size: complete, in both languages, and below two megabytes."""

from types import SimpleNamespace

from jobs.reporting.notice import Notice
from jobs.reporting.notice_page import notice_page
from jobs.reporting.pages import render

PERIOD, PLAN = "2020-12-P1", "critical_illness"
CASES = 4_000


def notice_of_a_hundred_million() -> Notice:
    illnesses = ("breast_cancer", "acute_myocardial_infarction", "other_severe")
    cases = [
        {
            "plan_id": PLAN, "case_no": n, "illness_code": illnesses[n % 3], "severity": "severe", "age_band": "40-49",
            "sex": "F", "place": "15", "member_months": "24+", "aid_fen": 30_000_000, "counted": n % 100 != 0,
            "marker": None if n % 100 else "objection_pending", "objection": "none" if n % 100 else "pending",
            "first_period": PERIOD, "settled_period": PERIOD,
        }
        for n in range(1, CASES + 1)
    ]  # fmt: skip
    pool = {
        "case_count": CASES, "benefit_fen": 44 * 10**9, "fee_fen": 35 * 10**8, "brought_forward_fen": 0,
        "case_sponsored_fen": 0, "pool_fen": 475 * 10**8, "covered_count": 98_244_000, "billed_fen": 475 * 10**8,
        "member_sponsored_fen": 0, "due_fen": 475 * 10**8, "carried_forward_fen": 0, "rounding": "ceil_fen",
    }  # fmt: skip
    rate = {
        "plan_id": PLAN, "tier": "standard", "covered_count": 98_244_000, "share_fen": 483, "share_aid_fen": 447,
        "share_fee_fen": 36, "billed_fen": 475 * 10**8,
    }  # fmt: skip
    return Notice(PERIOD, {}, cases, {PLAN: pool}, [rate], [], {})


def page_of(notice: Notice, platform) -> str:
    period = platform.calendar.period(PERIOD)
    request = SimpleNamespace(platform=platform, period=period, publicity_on=platform.calendar.publicity_on(period))
    return render(notice_page(notice, request, 5, ()))


def test_four_thousand_cases_fit_on_a_page_of_two_megabytes(xianghubao):
    html = page_of(notice_of_a_hundred_million(), xianghubao)
    assert len(html.encode()) < 2_000_000
    assert html.count("acute myocardial infarction") > CASES / 4 and html.count("急性心肌梗塞") > CASES / 4


def test_the_page_shows_the_head_count_of_each_tier_and_the_share(xianghubao):
    html = page_of(notice_of_a_hundred_million(), xianghubao)
    assert "98,244,000" in html and "4.83" in html
    assert "各计划各自分摊，人数不可相加" in html and "must not be added up" in html


def test_hostile_names_of_illnesses_and_places_stay_text(xianghubao):
    notice = notice_of_a_hundred_million()
    notice.cases[0] |= {"illness_code": "<script>alert(1)</script>", "place": "\u202e<b>", "marker": "<i>"}
    notice.cases[2] |= {"illness_code": "سرطان الثدي"}
    html = page_of(notice, xianghubao)
    assert html.count("<script") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "\u202e" not in html
    assert "<bdi>سرطان الثدي</bdi>" in html
