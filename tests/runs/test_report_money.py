"""Reports of periods that were collected and closed: what came in, who lapsed, ageing, a year by its closes."""

from datetime import date

import pytest
from delta.tables import DeltaTable

from jobs.errors import IntegrityBroken
from jobs.reporting.ageing import ageing_of
from tests.lakes import claim, measured, member
from tests.shown import FIRST, PLAN, SECOND, SENIOR


def test_a_collected_period_tells_what_came_in_and_who_lapsed(shown):
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
    # 10 and 12 owed 58 and 29 and lapsed; what 5 owed was netted from his aid.
    (lapsed_debt,) = shown.rows("report/ageing", FIRST)
    assert {k: lapsed_debt[k] for k in ("status", "member_count", "owed_fen", "written_off_fen")} == {
        "status": "lapsed", "member_count": 2, "owed_fen": 0, "written_off_fen": 87,
    }  # fmt: skip


def test_the_year_tells_of_the_costs_that_the_close_of_the_month_read(shown, tmp_path):
    """Costs restated after the month was closed are not in the year's report: it tells of the rows the books
    tell of."""
    lake = shown.copied(tmp_path / "lake")
    cost = {"cost_id": 1, "month": "2020-12", "category": "technology", "amount_fen": 999, "description": ""}
    bad = [cost | {"cost_id": 2, "category": None, "amount_fen": None}, cost | {"cost_id": 3, "amount_fen": 5 * 10**18}]
    lake.write("source/operating_costs", [cost, *bad, *bad])
    used = lambda rows: measured(rows, topic="fee", measure="used_fen", item="all")  # noqa: E731
    assert used(lake.run("report", "--year", "2020").document["annual"]) == 999, (
        "December is open: its P2 is not closed"
    )
    acts = lake.spark.read.format("delta").load(str(lake.folder / "control/publications")).where("action = 'closed'")
    lake.write("control/publications", [row.asDict() | {"period": SECOND} for row in acts.collect()], mode="append")
    ended = lake.run("report", "--year", "2020")
    assert ended.exit_code == 0, ended.err
    rows = ended.document["annual"]
    assert used(rows) == 650
    assert measured(rows, topic="source", item="source/operating_costs:2020-12", measure="version_of_close") == 0
    assert measured(rows, topic="source", item="source/operating_costs:2020-11", measure="version_of_today") == 1
    assert measured(rows, topic="source", item="source/claim_reviews:2020-12", measure="version_of_close") == 0
    assert measured(rows, topic="source", item="source/claim_reviews:2020-11", measure="version_of_today") == 0
    html = (lake.folder / "report/html/year-2020.html").read_text(encoding="utf-8")
    assert "as read by the close of the month's last period".replace("'", "&#39;") in html and "2020-01–2020-11" in html


def test_ageing_is_the_receivable_of_the_journal_or_no_report_is_made(shown, tmp_path):
    lake = shown.copied(tmp_path / "lake")
    opened, days = lake.opened(), (date(2020, 12, 28), date(2021, 1, 12))
    (in_grace,) = ageing_of(opened, SECOND, *days)
    # 21 to 38, 40 and 41 have not paid: 15 of them owe 22 and five 11.
    assert (in_grace["debt_days"], in_grace["member_count"], in_grace["owed_fen"]) == ("0-15 days", 20, 385)
    collections = DeltaTable.forPath(lake.spark, opened.path("settled/collections"))
    collections.update(f"member_id = 30 and period = '{SECOND}'", {"due_fen": "21L"})
    with pytest.raises(IntegrityBroken, match="384, the journal 385"):
        ageing_of(opened, SECOND, *days)


def test_another_platform_reports_by_configuration_alone(lake):
    plan_id, period, platform = "major_illness", "2020-12-P3", ("--platform", "meituan_huzhu")
    claims = [claim(1, 1, plan_id, publicity_period=period, approved_aid_fen=100)]
    lake.load([member(i, plan_id) for i in range(1, 8)], claims)
    assert lake.settle(period, *platform).exit_code == 0
    assert lake.run("report", "--period", period, *platform).exit_code == 0
    year = lake.run("report", "--year", "2020", *platform)
    assert year.exit_code == 0, year.err
    assert not [row for row in year.document["annual"] if row["topic"] == "published"]
    assert "美团互助" in (lake.folder / "report/html/year-2020.html").read_text(encoding="utf-8")
