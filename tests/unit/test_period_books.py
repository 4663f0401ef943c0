"""Balances on the page of a closed period, and the fee of earlier closes that a close sums."""

from types import SimpleNamespace

from jobs.lake.small import SmallTables
from jobs.ledger.balances import balance_rows
from jobs.ledger.journal import Transfer
from jobs.register.publications import publish
from jobs.reporting.pages import render
from jobs.reporting.period import PeriodReport, period_balances
from jobs.reporting.period_page import PeriodPage
from jobs.reporting.text import Page, Text
from jobs.rulebook import load_platform
from jobs.works.close import earlier_fees
from schemas import TABLES

PLAN, FIRST, SECOND = "critical_illness", "2020-12-P1", "2020-12-P2"
XHB = load_platform("xianghubao")
ACCOUNTS = [account.account for account in XHB.accounts]
FEE = {column: 0 for column in TABLES["ledger/fee"].amount_columns}


def lake_with_closes(tmp_path, *periods) -> SmallTables:
    """Each period: one transfer of 1,234 fen of cash against fee income, and a result of 7; its close is published."""
    small = SmallTables(str(tmp_path))
    for period in periods:
        run_id = f"close-{period}"
        keys = {"period": period, "plan_id": PLAN, "run_id": run_id}
        balances = balance_rows([Transfer("cash", "fee_income", 1_234, "x", "")], ACCOUNTS, {"cash": -5})
        small.append(TABLES["ledger/balances"], [{**keys, **row} for row in balances], run_id)
        small.append(TABLES["ledger/fee"], [{**keys, **FEE, "result_fen": 7}], run_id)
        publish(small, "close", period, run_id, {PLAN: "digest"}, action="closed")
    return small


def page_of(rows: list[dict]) -> str:
    report = PeriodReport(rows, [], frozenset(), {})
    page = PeriodPage(SimpleNamespace(pools={PLAN: {}}), report, SimpleNamespace(platform=XHB), 5)
    words = Text("x", "x")
    return render(Page("x.html", words, words, (page._books(),)))


def test_the_page_of_a_closed_period_shows_the_accounts_with_movements(tmp_path):
    small = lake_with_closes(tmp_path, FIRST, SECOND)
    rows = list(period_balances(SimpleNamespace(small=small), FIRST))
    assert len(rows) == 4 * len(ACCOUNTS), "four amounts of every account, of this period alone"
    cash = {row["measure"]: row["amount_fen"] for row in rows if row["item"] == "cash"}
    assert cash == {"brought_forward_fen": -5, "debit_fen": 1_234, "credit_fen": 0, "carried_forward_fen": 1_229}
    html = page_of(rows)
    for shown in ("fee income", "管理费收入", "-12.34", "12.29", "debit positive"):
        assert shown in html, shown
    assert "due from the platform" not in html, "nothing is shown of an account without amounts"


def test_the_page_of_an_open_period_says_that_it_has_no_balances_yet(tmp_path):
    small = lake_with_closes(tmp_path, FIRST)
    assert list(period_balances(SimpleNamespace(small=small), SECOND)) == []
    assert "This period is not closed yet." in page_of([])


def test_a_close_sums_the_fee_of_earlier_closes_only(tmp_path):
    small = lake_with_closes(tmp_path, FIRST, SECOND, "2021-01-P1")
    request = SimpleNamespace(platform=XHB, period=XHB.calendar.period(SECOND))
    pinned = SimpleNamespace(lake=SimpleNamespace(small=small), request=request, plan_ids=(PLAN, "chronic"))
    fees = earlier_fees(pinned)
    assert [(row["period"], row["result_fen"]) for row in fees[PLAN]] == [(FIRST, 7)]
    assert fees["chronic"] == []
