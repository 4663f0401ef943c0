"""Reports of collected and closed periods: money received, lapses, ageing, and a year as the sum of its closes."""

import json
from collections import Counter
from datetime import date

import pytest
from delta.tables import DeltaTable

from jobs.base.errors import IntegrityBroken
from jobs.reporting.ageing import ageing_of
from tests.lakes import claim, measured, member
from tests.shown import FIRST, PLAN, SECOND, SENIOR


def test_a_collected_period_reports_money_received_and_lapses(shown):
    rows = shown.rows("report/period_summary", FIRST)
    by_status = {}
    for row in shown.rows("settled/collections", FIRST):
        of = (row["plan_id"], row["status"])
        members, due_fen, collected_fen = by_status.get(of, (0, 0, 0))
        by_status[of] = (members + 1, due_fen + row["due_fen"], collected_fen + row["collected_fen"])
    assert set(by_status) == {(PLAN, "collected"), (PLAN, "netted"), (PLAN, "lapsed"), (SENIOR, "collected")}
    for (plan_id, status), sums in by_status.items():
        of = {"topic": "collection", "plan_id": plan_id, "item": status}
        assert tuple(measured(rows, measure=m, **of) for m in ("members", "due_fen", "collected_fen")) == sums
    lapsed = sum(r["quantity"] for r in rows if r["topic"] == "members" and r["measure"] == "lapsed")
    assert lapsed == len(shown.rows("settled/lapses", FIRST)) == by_status[PLAN, "lapsed"][0] == 2
    for fee in shown.rows("ledger/fee", FIRST):
        assert measured(rows, topic="fee", measure="received_fen", plan_id=fee["plan_id"]) == fee["received_fen"]
    # 10 and 12 owed 50 and 25 and lapsed; the arrears of 5 were set off from his aid.
    (lapsed_debt,) = shown.rows("report/ageing", FIRST)
    assert {k: lapsed_debt[k] for k in ("status", "member_count", "owed_fen", "written_off_fen")} == {
        "status": "lapsed", "member_count": 2, "owed_fen": 0, "written_off_fen": 75,
    }  # fmt: skip


FEE_PARTS = ("accrued_fen", "sponsored_fen", "received_fen", "outstanding_fen", "written_off_fen", "result_fen")
# Columns of the pool that the settlement posts, with their (debit, credit) accounts.
POSTED = {
    "benefit_fen": ("pool", "benefits_payable"), "fee_fen": ("pool", "fee_accrued"),
    "due_fen": ("members_receivable", "pool"),
}  # fmt: skip
SPONSORED = ("sponsor_receivable", "pool")


def journal_of(shown, period, plan_id=None) -> Counter:
    """Sum of the period's journal by (debit, credit) account."""
    plan_filter = {} if plan_id is None else {"plan_id": plan_id}
    moved = Counter()
    for job in ("settle", "collect", "close"):
        for row in shown.rows("ledger/journal", period, job=job, **plan_filter):
            moved[row["debit_account"], row["credit_account"]] += row["amount_fen"]
    return moved


def test_figures_of_a_period_equal_the_ledger(shown):
    for period in (FIRST, SECOND):
        rows = shown.rows("report/period_summary", period)
        for fee in shown.rows("ledger/fee", period):
            reported = {
                r["measure"]: r["amount_fen"] for r in rows if (r["topic"], r["plan_id"]) == ("fee", fee["plan_id"])
            }
            assert len(reported) == 9 and reported == {measure: fee[measure] for measure in reported}
        balances = {
            (r["plan_id"], r["account"], measure): r[measure]
            for r in shown.rows("ledger/balances", period)
            for measure in ("brought_forward_fen", "debit_fen", "credit_fen", "carried_forward_fen")
        }
        reported = {(r["plan_id"], r["item"], r["measure"]): r["amount_fen"] for r in rows if r["topic"] == "balances"}
        assert reported == balances and bool(reported) == (period == FIRST), "P2 is open: it has no balances yet"
        for plan_id in (PLAN, SENIOR):
            moved = journal_of(shown, period, plan_id)
            money = lambda measure: measured(rows, topic="money", measure=measure, plan_id=plan_id)  # noqa: B023, E731
            assert {column: money(column) for column in POSTED} == {c: moved[pair] for c, pair in POSTED.items()}
            assert money("case_sponsored_fen") + money("member_sponsored_fen") == moved[SPONSORED]
            collection_rows = [r for r in rows if (r["topic"], r["plan_id"]) == ("collection", plan_id)]
            sums = Counter()
            for row in collection_rows:
                sums[row["measure"], row["item"] == "netted"] += row["amount_fen"] or 0
            assert sums["due_fen", False] + sums["due_fen", True] == moved[POSTED["due_fen"]]
            assert sums["collected_fen", False] == moved["cash", "members_receivable"]
            assert sums["collected_fen", True] == moved["benefits_payable", "members_receivable"]
            credited = sum(fen for (_, credit), fen in moved.items() if credit == "members_receivable")
            assert sums["owed_fen", False] == moved[POSTED["due_fen"]] - credited
    html = (shown.folder / f"report/html/period-{FIRST}.html").read_text(encoding="utf-8")
    assert "cash paid in by the platform for bad debt" in html and "aid payable" in html
    assert "This period is not closed yet." in (shown.folder / f"report/html/period-{SECOND}.html").read_text("utf-8")


def test_figures_of_a_year_equal_the_ledger(shown):
    rows = shown.ended["year"].document["annual"]
    fees = [row for period in (FIRST, SECOND) for row in shown.rows("ledger/fee", period)]

    def year(topic, measure, **of):
        return measured(rows, topic=topic, measure=measure, **{"plan_id": "all", "item": "all"} | of)

    for part in FEE_PARTS:
        assert year("fee", part) == sum(fee[part] for fee in fees), part
    total_fen = 0
    for category in ("investigation", "technology", "staff_and_premises"):
        used_fen = sum(fee[f"used_{category}_fen"] for fee in fees)
        assert year("fee", "used_fen", item=category) == used_fen, category
        total_fen += used_fen
    assert year("fee", "used_fen") == total_fen > 0
    for plan_id in (PLAN, SENIOR):
        moved = journal_of(shown, FIRST, plan_id) + journal_of(shown, SECOND, plan_id)
        for column, pair in POSTED.items():
            assert year("shared_out", column, plan_id=plan_id) == moved[pair], column
        sponsored = [year("shared_out", f"{kind}_sponsored_fen", plan_id=plan_id) for kind in ("case", "member")]
        assert sum(sponsored) == moved[SPONSORED]


def test_the_year_reports_the_costs_that_the_close_of_the_month_read(shown, tmp_path):
    """Costs restated after a close are not in the year's report, which takes the ledger's. P1 was closed with half of
    December's 650."""
    lake = shown.copied(tmp_path / "lake")
    cost = {"cost_id": 1, "month": "2020-12", "category": "technology", "amount_fen": 999, "description": ""}
    bad = [cost | {"cost_id": 2, "category": None, "amount_fen": None}, cost | {"cost_id": 3, "amount_fen": 5 * 10**18}]
    lake.write("source/operating_costs", [cost, *bad, *bad])
    used = lambda rows: measured(rows, topic="fee", measure="used_fen", item="all")  # noqa: E731
    acts = lake.spark.read.format("delta").load(str(lake.folder / "control/publications")).where("action = 'closed'")
    lake.write("control/publications", [row.asDict() | {"period": SECOND} for row in acts.collect()], mode="append")
    ended = lake.run("report", "--year", "2020")
    assert ended.exit_code == 0, ended.err
    rows = ended.document["annual"]
    assert used(rows) == 325
    assert measured(rows, topic="source", item="source/operating_costs:2020-12", measure="version_of_close") == 0
    assert not [r for r in rows if r["item"] == "source/operating_costs:2020-11"], "no close has read November's costs"
    assert measured(rows, topic="source", item="source/claim_reviews:2020-12", measure="version_of_close") == 0
    assert measured(rows, topic="source", item="source/claim_reviews:2020-11", measure="version_of_today") == 0
    html = (lake.folder / "report/html/year-2020.html").read_text(encoding="utf-8")
    assert "as read by the close of the month's last period".replace("'", "&#39;") in html and "2020-01–2020-11" in html


def test_ageing_must_equal_the_receivable_of_the_journal(shown, tmp_path):
    lake = shown.copied(tmp_path / "lake")
    opened, days = lake.opened(), (date(2020, 12, 28), date(2021, 1, 12))
    (in_grace,) = ageing_of(opened, SECOND, *days)
    # 21 to 38, 40 and 41 have not paid: 15 of them owe 20 and five 10.
    assert (in_grace["debt_days"], in_grace["member_count"], in_grace["owed_fen"]) == ("0-15 days", 20, 350)
    collections = DeltaTable.forPath(lake.spark, opened.path("settled/collections"))
    collections.update(f"member_id = 30 and period = '{SECOND}'", {"due_fen": "19L"})
    with pytest.raises(IntegrityBroken, match="349, the journal 350"):
        ageing_of(opened, SECOND, *days)


def test_another_platform_is_reported_with_configuration_only(lake):
    plan_id, period, platform = "major_illness", "2020-12-P3", ("--platform", "meituan_huzhu")
    claims = [claim(1, 1, plan_id, publicity_period=period, approved_aid_fen=100)]
    lake.load([member(i, plan_id) for i in range(1, 8)], claims)
    assert lake.settle(period, *platform).exit_code == 0
    assert lake.run("report", "--period", period, *platform).exit_code == 0
    year = lake.run("report", "--year", "2020", *platform)
    assert year.exit_code == 0, year.err
    assert not [row for row in year.document["annual"] if row["topic"] == "published"]
    assert "美团互助" in (lake.folder / "report/html/year-2020.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["report/publicity", "report/period_summary", "report/ageing"])
def test_the_join_with_publications_keeps_every_row_of_a_report(shown, name):
    """Each row has the run id of the settlement, which is that of the plan's pool."""
    keys = lambda table: {  # noqa: E731
        (row["period"], row["plan_id"], row["run_id"])
        for period in (FIRST, SECOND)
        for row in shown.rows(table, period)
    }
    assert keys(name) and keys(name) <= keys("settled/pools")


def test_the_report_of_a_year_is_a_run(shown):
    rows = shown.spark.read.format("delta").load(str(shown.folder / "report/annual")).collect()
    (run_id,) = {row.run_id for row in rows}
    (run,) = shown.rows("control/runs", "2020", run_id=run_id)
    assert (run["job"], run["period"], run["state"]) == ("report", "2020", "published")
    assert run["plan_id"] == f"{PLAN},{SENIOR}"
    inputs = json.loads(run["input_versions"])
    acts = [act for period in (FIRST, SECOND) for act in shown.rows("control/publications", period)]
    assert set(inputs["runs"]) == {act["run_id"] for act in acts}
    assert inputs["source_months"]["source/operating_costs"]["2020-12"] == 0


def test_an_unchanged_report_of_a_year_is_the_same_run_and_a_killed_run_is_marked_failed(shown, tmp_path):
    lake = shown.copied(tmp_path / "lake")
    (run,) = lake.rows("control/runs", "2020", job="report")
    lake.write("control/runs", [run | {"state": "running", "finished_at": None, "run_id": "report-2020-killed"}],
               mode="append")  # fmt: skip
    assert lake.run("report", "--year", "2020").exit_code == 0
    states = {row["run_id"]: row["state"] for row in lake.rows("control/runs", "2020", job="report")}
    assert states == {run["run_id"]: "published", "report-2020-killed": "failed"}
