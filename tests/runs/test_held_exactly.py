"""Rows are held unchanged, with any text or day in them, and each period keeps the rows it held."""

from datetime import date

from deltalake import write_deltalake

from jobs.lake.small import arrow_table
from schemas import TABLES
from tests.lakes import PERIOD, claim, measured, member, receipt

NEXT, PUBLIC_ON = "2020-12-P2", date(2020, 12, 7)
GOOD = [member(i) for i in range(1, 41)]


def test_any_text_of_a_key_is_held_unchanged_and_each_period_keeps_its_rows(lake):
    """Text that is no folder name, and empty text, in a source without partitions; then the source is corrected."""
    texts = ["x" * 300, "大病互助计划", "", "a/b=c", "critical_illness\n"]
    odd = [member(100 + n, text) for n, text in enumerate(texts)]
    write_without_partitions(lake, "source/members", [*GOOD, *odd])
    write_without_partitions(
        lake, "source/approved_claims", [claim(n, n, publicity_period=text) for n, text in enumerate(texts, 1)]
    )
    for period in (PERIOD, NEXT):
        assert lake.settle(period).exit_code == 0
        held = lake.rows("control/quarantine_members", held_in_period=period)
        assert sorted(row["plan_id"] for row in held) == sorted(texts)
        assert {row["first_seen_period"] for row in held} == {PERIOD}
        claims = lake.rows("control/quarantine_claims", held_in_period=period)
        assert {row["first_seen_period"] for row in claims} == {PERIOD} and len(claims) == len(texts)
    write_without_partitions(lake, "source/members", GOOD)
    assert lake.settle("2021-01-P1").exit_code == 0
    assert lake.rows("control/quarantine_members", held_in_period="2021-01-P1") == []
    assert len(lake.rows("control/quarantine_members")) == 2 * len(texts)


IMPOSSIBLE_DAYS = (6_660_000, -6_660_000)  # since 1970: in the years 20204 and -16265


def test_days_outside_the_range_of_python_are_held_by_every_command(lake):
    """Days after the year 9999 and before the year 1, in every date column of every source."""
    changes, dates = write_impossible_days(lake)
    for words in (
        ("check", "--period", PERIOD), ("preview", "--period", PERIOD), ("settle", "--period", PERIOD),
        ("settle", "--period", PERIOD),
        ("explain", "--member", "1", "--period", PERIOD), ("collect", "--period", PERIOD, "--as-of", "2020-12-26"),
        ("close", "--period", PERIOD, "--as-of", "2020-12-26"), ("report", "--period", PERIOD),
        ("report", "--year", "2020"), ("status",), ("conform", "--rows"),
    ):  # fmt: skip
        ended = lake.run(*words)
        assert ended.exit_code == 0, (words, ended.err)
    for member_id, column in ((101, "joined_on"), (103, "exited_on")):
        ended = lake.run("explain", "--member", str(member_id), "--period", PERIOD)
        assert f"member_{column}_out_of_range" in ended.out, ended.err
    # 370 + 30 (29.6) = 400 over 40 members = 10 each
    assert [row["due_fen"] for row in lake.rows("settled/assessments")] == [10] * 40
    for table, row, changed in (("members", "member", changes), ("claims", "claim", dates)):
        held = lake.rows(f"control/quarantine_{table}")
        assert len(held) == len(changed)
        for kept in held:
            (column,) = {column for column, _ in changed if f"{row}_{column}_out_of_range" in kept["reasons"]}
            assert kept[column] is None, "null, and the reason names the column"
    held = lake.rows("control/quarantine_receipts")
    assert {row["receipt_id"] for row in held if "receipt_attempted_on_out_of_range" in row["reasons"]} == {100, 101}
    assert sum(row["amount_at_stake_fen"] for row in held) == 14, "booked in suspense"
    held = lake.rows("control/quarantine_visits")
    assert [(row["visited_on"], "visit_visited_on_out_of_range" in row["reasons"]) for row in held] == [
        (None, True)
    ] * 2


def write_impossible_days(lake):
    """Writes all sources with impossible days; gives the changed columns of members and claims, each with its day."""
    changes = [(column, day) for day in IMPOSSIBLE_DAYS for column in ("birth_date", "joined_on", "waiting_ends_on",
                                                                      "exited_on")]  # fmt: skip
    odd = [{**member(100 + n), "exit_reason": "left" if column == "exited_on" else None, column: day}
           for n, (column, day) in enumerate(changes)]  # fmt: skip
    dates = [(column, day) for day in IMPOSSIBLE_DAYS for column in ("diagnosed_on", "birth_date", "approved_on")]
    claims = [{**claim(10 + n, 10 + n), column: day} for n, (column, day) in enumerate(dates)]
    write_without_partitions(lake, "source/members", [*GOOD, *odd])
    write_without_partitions(lake, "source/approved_claims", [claim(1, 1, approved_aid_fen=370), *claims])
    receipts = [receipt(n, n, 10) for n in range(1, 41)]
    receipts += [{**receipt(100 + n, 1, 7), "attempted_on": day} for n, day in enumerate(IMPOSSIBLE_DAYS)]
    write_without_partitions(lake, "source/receipts", receipts)
    visit = {"claim_id": 1, "investigator_id": 1, "site_kind": "hospital", "site_id": 1, "fee_fen": 5}
    visits = [{**visit, "visit_id": n, "visited_on": day} for n, day in enumerate(IMPOSSIBLE_DAYS)]
    write_without_partitions(lake, "source/field_visits", visits)
    review = {"claim_id": 1, "plan_id": "critical_illness", "received_on": PUBLIC_ON, "decided_on": PUBLIC_ON,
              "decision": "refused", "requested_aid_fen": 1, "technique": "field"}  # fmt: skip
    reviews = [{**review, "review_id": n, "decided_on": day} for n, day in enumerate(IMPOSSIBLE_DAYS)]
    write_without_partitions(lake, "source/claim_reviews", reviews)
    return changes, dates


def write_without_partitions(lake, name, rows):
    """Writes the source without partitions, so that no folder is named after a text."""
    write_deltalake(lake.folder / name, arrow_table(TABLES[name], rows), mode="overwrite")


def test_a_later_report_of_a_period_shows_the_rows_that_period_held(lake):
    lake.load([*GOOD, member(99, sex="X")], [claim(1, 1, sex="X"), claim(2, 2, approved_aid_fen=370)])
    assert lake.settle().exit_code == 0
    assert lake.run("report", "--period", PERIOD).exit_code == 0
    rows, page = lake.rows("report/period_summary"), lake.folder / f"report/html/period-{PERIOD}.html"
    assert measured(rows, topic="quarantine", measure="held", item="member_sex_unknown") == 1
    assert measured(rows, topic="quarantine", measure="at_stake_fen", item="claim_sex_unknown") == 10_000_000
    shown = page.read_text(encoding="utf-8")
    lake.load(GOOD, [claim(1, 1, publicity_period=NEXT), claim(2, 2, approved_aid_fen=370)])
    assert lake.settle(NEXT).exit_code == 0
    assert lake.run("report", "--period", PERIOD).exit_code == 0
    assert lake.rows("report/period_summary") == rows and page.read_text(encoding="utf-8") == shown
    assert lake.run("report", "--period", NEXT).exit_code == 0
    assert not [row for row in lake.rows("report/period_summary", NEXT) if row["topic"] == "quarantine"]
