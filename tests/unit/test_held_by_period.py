"""The quarantine keeps the rows that each period held, with any text in them. No Spark."""

from datetime import UTC, date, datetime

import pytest
from deltalake import write_deltalake

from expectations.dates import date_columns
from expectations.receipts import LARGEST_PLAUSIBLE_RECEIPT_FEN
from expectations.rule import FewRowRule, GateRowRule, Severity
from expectations.suites import SUITES
from jobs.base.errors import WrongUsage
from jobs.lake.small import EPOCH, FIRST_DAY, LAST_DAY, SmallTables, arrow_table
from jobs.register.lake_record import LAKE, LAYOUT, platform_of, record_lake
from jobs.register.publications import publish
from jobs.works.late_claims import HELD_CLAIMS, LateClaims, hold_late_claims
from jobs.works.late_returns import AFTER_CLOSE, hold_returned_after_close, late_return_messages, late_return_sums
from schemas import TABLES
from tests.lakes import PERIOD, claim, member, receipt

NEXT, LATER = "2020-12-P2", "2021-01-P1"
HELD_RECEIPTS = TABLES["control/quarantine_receipts"]
QUARANTINE = [table for name, table in TABLES.items() if name.startswith("control/quarantine_")]
ODD_TEXTS = ("x" * 300, "大病互助计划", "", " ", "a/b=c%20", "..", "line\nfeed\r", "quote'", None)


@pytest.fixture
def small(tmp_path):
    (tmp_path / "lake").mkdir()
    return SmallTables(str(tmp_path / "lake"))


def late(*plan_ids):
    return LateClaims(late=[claim(i, i, plan_id, approved_aid_fen=i) for i, plan_id in enumerate(plan_ids, 1)])


def held(small, period):
    rows = small.rows(HELD_CLAIMS.name, f"held_in_period = '{period}'")
    return sorted((row["claim_id"], row["plan_id"], row["first_seen_period"]) for row in rows)


@pytest.mark.parametrize("table", QUARANTINE, ids=lambda table: table.name)
def test_a_quarantine_is_partitioned_by_the_period_of_the_run_only(table):
    assert table.partitioned_by == ("held_in_period",) and table.key[0] == "held_in_period"
    names = table.column_names
    assert names[names.index("held_in_period") + 1] == "first_seen_period"


def test_any_text_is_kept_exactly_and_the_first_seen_period_does_not_change(small):
    expected = [(i, text, PERIOD) for i, text in enumerate(ODD_TEXTS, 1)]
    for period in (PERIOD, NEXT):
        hold_late_claims(small, late(*ODD_TEXTS), period, f"run-{period}")
        assert held(small, period) == expected
    assert len(small.rows(HELD_CLAIMS.name)) == 2 * len(ODD_TEXTS)


def test_each_period_keeps_the_rows_it_held(small):
    hold_late_claims(small, late("chronic"), PERIOD, "run-1")
    hold_late_claims(small, late(), NEXT, "run-2")
    assert (held(small, PERIOD), held(small, NEXT)) == ([(1, "chronic", PERIOD)], [])
    hold_late_claims(small, late(), PERIOD, "run-3")
    assert held(small, PERIOD) == [], "runs of the period itself update it"


def test_a_closed_period_keeps_the_rows_held_at_its_close(small):
    hold_late_claims(small, late("chronic"), PERIOD, "run-1")
    publish(small, "settle", PERIOD, "run-1", {"chronic": "d"})
    publish(small, "close", PERIOD, "run-2", {"chronic": "d"}, "closed")
    version = small.version(HELD_CLAIMS.name)
    hold_late_claims(small, late(), PERIOD, "run-3")
    assert held(small, PERIOD) == [(1, "chronic", PERIOD)] and small.version(HELD_CLAIMS.name) == version


def returned(number, period, *others):
    """A return that arrived after the close of its period, as a collection of another period holds it."""
    row = receipt(number, number, 10, period=period, outcome="returned")
    return {**row, "reasons": [*others, AFTER_CLOSE], "amount_at_stake_fen": 10}


def held_receipts(small, period):
    rows = small.rows(HELD_RECEIPTS.name, f"held_in_period = '{period}'")
    return sorted((row["receipt_id"], row["period"], row["first_seen_period"], *row["reasons"]) for row in rows)


def test_late_returns_replace_only_the_late_returns_held_in_the_same_period(small):
    own = {**returned(1, NEXT), "held_in_period": NEXT, "first_seen_period": NEXT, "run_id": "run-0"}
    other = {**own, "receipt_id": 2, "period": PERIOD, "reasons": ["receipt_overpaid"]}
    small.append(HELD_RECEIPTS, [own, other], "run-0")
    rows_of_run_0 = [(1, NEXT, NEXT, AFTER_CLOSE), (2, PERIOD, NEXT, "receipt_overpaid")]
    hold_returned_after_close(small, [returned(3, PERIOD), returned(4, PERIOD)], NEXT, "run-1")
    first = [(3, PERIOD, NEXT, AFTER_CLOSE), (4, PERIOD, NEXT, AFTER_CLOSE)]
    assert held_receipts(small, NEXT) == [*rows_of_run_0, *first]
    hold_returned_after_close(small, [returned(3, PERIOD)], LATER, "run-2")
    assert held_receipts(small, LATER) == [(3, PERIOD, NEXT, AFTER_CLOSE)]
    assert held_receipts(small, NEXT) == [*rows_of_run_0, *first], "rows held by another period stay"
    hold_returned_after_close(small, [returned(3, PERIOD, "receipt_key_missing")], NEXT, "run-3")
    assert held_receipts(small, NEXT) == [*rows_of_run_0, (3, PERIOD, NEXT, "receipt_key_missing", AFTER_CLOSE)]
    hold_returned_after_close(small, [], NEXT, "run-4")
    assert held_receipts(small, NEXT) == rows_of_run_0


def test_late_returns_do_not_rewrite_a_closed_or_unchanged_quarantine(small):
    hold_returned_after_close(small, [returned(3, PERIOD)], NEXT, "run-1")
    version = small.version(HELD_RECEIPTS.name)
    hold_returned_after_close(small, [returned(3, PERIOD)], NEXT, "run-2")
    publish(small, "settle", NEXT, "run-1", {"chronic": "d"})
    publish(small, "close", NEXT, "run-2", {"chronic": "d"}, "closed")
    hold_returned_after_close(small, [], NEXT, "run-3")
    assert small.version(HELD_RECEIPTS.name) == version


def test_late_returns_are_summed_over_plausible_amounts_only():
    amounts = [10, -5, 0, 2**62, 2**62, LARGEST_PLAUSIBLE_RECEIPT_FEN]
    late_returns = [{**returned(i, PERIOD), "amount_at_stake_fen": fen} for i, fen in enumerate(amounts)]
    assert late_return_sums(late_returns) == (6, 10 + LARGEST_PLAUSIBLE_RECEIPT_FEN)
    (message,) = late_return_messages(late_returns)
    assert "6 returns of 2020-12-P1" in message and "1,000,000.10 yuan" in message


def test_a_lake_of_an_older_layout_is_refused_with_the_remedy(small):
    row = {"platform_id": "xianghubao", "layout_version": LAYOUT - 1, "recorded_at": datetime.now(UTC), "run_id": "r"}
    small.append(LAKE, [row], "r")
    with pytest.raises(WrongUsage, match=f"have layout {LAYOUT - 1}; .* Nothing was done. .* into a new lake"):
        platform_of(small)


def test_a_new_lake_has_the_layout_of_this_version(small):
    record_lake(small, "xianghubao", "r")
    assert platform_of(small) == "xianghubao"


def test_a_claim_held_by_the_settlement_is_not_late():
    """A row held by another period, or held as late, is not one that this settlement held."""
    from jobs.works.late_claims import _is_held_by_settlement

    row = {**claim(1, 1), "held_in_period": PERIOD, "reasons": ["claim_sex_unknown"]}
    assert _is_held_by_settlement(row)
    assert not _is_held_by_settlement({**row, "held_in_period": NEXT})
    assert not _is_held_by_settlement({**row, "reasons": ["claim_after_settlement"]})


@pytest.mark.parametrize("day", [FIRST_DAY - 1, LAST_DAY + 1, 6_660_000, -6_660_000])
def test_a_day_outside_the_range_of_python_is_read_as_none(small, day):
    """Days since 1970; with and without a condition that opens the file by its range of ids."""
    rows = [member(1), {**member(2), "joined_on": day, "exited_on": day}]
    write_deltalake(small.path("source/members"), arrow_table(TABLES["source/members"], rows))
    for where in (None, "member_id > 0"):
        first, second = sorted(small.rows("source/members", where), key=lambda row: row["member_id"])
        assert first["joined_on"] == member(1)["joined_on"] and first["exited_on"] is None
        assert (second["joined_on"], second["exited_on"], second["birth_date"]) == (None, None, date(1990, 6, 1))


def test_the_first_and_the_last_day_of_python_are_read(small):
    rows = [{**member(1), "birth_date": date.min, "exited_on": date.max}]
    write_deltalake(small.path("source/members"), arrow_table(TABLES["source/members"], rows))
    (row,) = small.rows("source/members")
    assert (row["birth_date"], row["exited_on"]) == (date.min, date.max) and EPOCH == date(1970, 1, 1)


@pytest.mark.parametrize("name", [name for name in TABLES if name.startswith("source/") and date_columns(TABLES[name])])
def test_every_date_column_of_every_source_has_a_range_rule(name):
    """A bad row of a few-row source is not held: it stops the command that reads the table."""
    is_few_rows = name == "source/recoveries"
    kind, severity = (FewRowRule, Severity.CRITICAL) if is_few_rows else (GateRowRule, Severity.ERROR)
    rules = [rule for rule in SUITES[name] if isinstance(rule, kind)]
    assert {rule.severity for rule in rules} == {severity}
    for column in date_columns(TABLES[name]):
        assert [rule for rule in rules if rule.id.endswith(f"_{column}_out_of_range")], column
