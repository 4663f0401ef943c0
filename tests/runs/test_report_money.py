"""Reports of periods that were collected and closed: what came in, who lapsed, ageing, a year by its closes."""

from datetime import date

import pytest
from delta.tables import DeltaTable

from jobs.errors import IntegrityBroken
from jobs.reporting.ageing import ageing_of
from tests.lakes import claim, measured, member

FIRST, SECOND = "2020-12-P1", "2020-12-P2"


def test_a_collected_period_tells_what_came_in_and_who_lapsed(lake):
    lake.load([member(i) for i in range(1, 6)], [claim(1, 1, approved_aid_fen=40)])
    assert lake.settle(FIRST).exit_code == 0
    # 40 + 3 over 5 members -> 9 each; 2, 3 and 4 pay, 5 does not; 1 is helped
    paid = [
        {
            "receipt_id": i,
            "period": FIRST,
            "payer_id": i,
            "amount_fen": 9,
            "outcome": "collected",
            "attempted_on": date(2020, 12, 14),
        }
        for i in (2, 3, 4)
    ]
    lake.write("source/receipts", paid)
    collected = lake.run("collect", "--period", FIRST)
    assert collected.exit_code == 0, collected.err
    ended = lake.run("report", "--period", FIRST)
    assert ended.exit_code == 0, ended.err
    rows = lake.rows("report/period_summary", FIRST)
    by_status = {}
    for row in lake.rows("settled/collections", FIRST):
        sums = by_status.setdefault(row["status"], [0, 0, 0])
        by_status[row["status"]] = [sums[0] + 1, sums[1] + row["due_fen"], sums[2] + row["collected_fen"]]
    for status, sums in by_status.items():
        told = [
            measured(rows, topic="collection", item=status, measure=m) for m in ("members", "due_fen", "collected_fen")
        ]
        assert told == sums
    lapsed = sum(r["quantity"] for r in rows if r["topic"] == "members" and r["measure"] == "lapsed")
    assert lapsed == len(lake.rows("settled/lapses", FIRST)) == by_status["lapsed"][0]
    (fee,) = lake.rows("ledger/fee", FIRST)
    assert measured(rows, topic="fee", measure="received_fen") == fee["received_fen"]
    # 5 owed 9 and lapsed; what 1 owed was netted from his aid.
    (lapsed_debt,) = lake.rows("report/ageing", FIRST)
    assert {k: lapsed_debt[k] for k in ("status", "member_count", "owed_fen", "written_off_fen")} == {
        "status": "lapsed", "member_count": 1, "owed_fen": 0, "written_off_fen": 9,
    }  # fmt: skip

    year_reads_what_the_close_read(lake)


def year_reads_what_the_close_read(lake):
    """Costs restated after the month was closed are not in the year's report: it tells of the rows the books
    tell of."""
    cost = {"cost_id": 1, "month": "2020-12", "category": "technology", "amount_fen": 70, "description": ""}
    lake.write("source/operating_costs", [cost])
    closed = lake.run("close", "--period", FIRST)
    assert closed.exit_code == 0, closed.err
    bad = [cost | {"cost_id": 2, "category": None, "amount_fen": None}, cost | {"cost_id": 3, "amount_fen": 5 * 10**18}]
    lake.write("source/operating_costs", [cost | {"amount_fen": 999}, *bad, *bad])
    lake.write("source/claim_reviews", [])
    used = lambda rows: measured(rows, topic="fee", measure="used_fen", item="all")  # noqa: E731
    assert used(lake.run("report", "--year", "2020").document["annual"]) == 999, (
        "December is open: its P2 is not closed"
    )
    acts = lake.spark.read.format("delta").load(str(lake.folder / "control/publications")).where("action = 'closed'")
    lake.write("control/publications", [row.asDict() | {"period": SECOND} for row in acts.collect()], mode="append")
    ended = lake.run("report", "--year", "2020")
    assert ended.exit_code == 0, ended.err
    rows = ended.document["annual"]
    assert used(rows) == 70
    assert measured(rows, topic="source", item="source/operating_costs:2020-12", measure="version_of_close") == 0
    assert measured(rows, topic="source", item="source/operating_costs:2020-11", measure="version_of_today") == 1
    assert measured(rows, topic="source", item="source/claim_reviews:2020-12", measure="version_of_today") == 0
    html = (lake.folder / "report/html/year-2020.html").read_text(encoding="utf-8")
    assert "as the close of the month's last period read it".replace("'", "&#39;") in html and "2020-01–2020-11" in html


def test_ageing_is_the_receivable_of_the_journal_or_no_report_is_made(lake):
    lake.load([member(i) for i in range(1, 6)], [claim(1, 1, approved_aid_fen=40)])
    assert lake.settle(FIRST).exit_code == 0
    lake.write("source/receipts", [
        {"receipt_id": 1, "period": FIRST, "payer_id": 2, "amount_fen": 9, "outcome": "collected",
         "attempted_on": date(2020, 12, 14)},
    ])  # fmt: skip
    assert lake.run("collect", "--period", FIRST, "--as-of", "2020-12-20").exit_code == 0
    opened = lake.opened()
    (in_grace,) = ageing_of(opened, FIRST, date(2020, 12, 14), date(2020, 12, 26))
    assert (in_grace["debt_days"], in_grace["member_count"], in_grace["owed_fen"]) == ("0-15 days", 4, 36)
    collections = DeltaTable.forPath(lake.spark, opened.path("settled/collections"))
    collections.update("member_id = 3", {"due_fen": "8L"})
    with pytest.raises(IntegrityBroken, match="35, the journal 36"):
        ageing_of(opened, FIRST, date(2020, 12, 14), date(2020, 12, 26))


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
