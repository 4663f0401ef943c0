"""Returns for closed periods that came after the close: the next collection holds them, closed books do not change."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.receipts import LARGEST_PLAUSIBLE_RECEIPT_FEN, ROW_RULES
from expectations.rule import NO_TERMS, broken_bits, reasons
from jobs.collection.days import CollectionDays
from jobs.gate.held_id import held_id_of
from jobs.gate.quarantine import with_possible_days
from jobs.gate.receipts import REPEATED, known_until
from jobs.lake.data_files import files_by_value
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.lake.sources import read_source
from jobs.pipeline.amounts import yuan
from jobs.register.decisions import deciders
from jobs.register.publications import published
from jobs.register.runs import rows_of_runs
from jobs.rulebook.calendar import Calendar
from jobs.works.held_late import hold_exactly
from schemas import TABLES

SOURCE, HELD = "source/receipts", TABLES["control/quarantine_receipts"]
AFTER_CLOSE = "receipt_after_close"
PERIOD, DAY = "period", "attempted_on"
# In the settings of a run: the version of the source that was collected, and the Delta id of its table.
RECEIPTS_VERSION, RECEIPTS_TABLE = "receipts_version", "receipts_table"


class Books(NamedTuple):
    """What a closed period's last collection read: the returns up to a day, in a version of the source. `version` is
    None where it is not recorded, or was one of another table."""

    as_of: date
    version: int | None


def returned_after_close(lake: Lake, calendar: Calendar, version: int, period: str, days: CollectionDays) -> list[dict]:
    """The returns of other, closed periods that their books do not contain.

    They are rows of source/receipts with `reasons` (AFTER_CLOSE, and what else is wrong with them) and
    `amount_at_stake_fen`; days that Python cannot hold are None. Books contain the returns that the collected version
    of the source had, up to the day of the collection. `version`: of source/receipts.
    """
    all_books = _books(lake.small, _closed_periods(lake.small, period))
    books = _with_other_receipts(lake.small, all_books, version)
    if not books:
        return []
    receipts = known_until(read_source(lake, SOURCE, version), days.as_of)
    returned = receipts.where((F.col("outcome") == "returned") & F.col("period").isin(*books)).localCheckpoint()
    late: list[dict] = []
    for name in sorted(row.period for row in returned.select("period").distinct().collect()):
        rows = returned.where(F.col("period") == name)
        late += _not_booked(rows, _booked(lake, name, books[name], rows), calendar.publicity_on(calendar.period(name)))
    return sorted(late, key=str)


def _closed_periods(small: SmallTables, period: str) -> list[str]:
    """The periods other than this one whose settled plans are all closed."""
    settled, closed = (set(published(small, job)) for job in ("settle", "close"))
    still_open = {name for name, _ in settled - closed}
    return sorted({name for name, _ in closed} - still_open - {period})


def _books(small: SmallTables, closed: Collection[str]) -> dict[str, Books]:
    """The books of the closed periods."""
    if not closed:
        return {}
    collected = published(small, "collect").items()
    runs = rows_of_runs(small, {act.run_id for (name, _), act in collected if name in closed})
    by_period: dict[str, list[dict]] = {}
    for row in runs.values():
        by_period.setdefault(row["period"], []).append(json.loads(row["settings"]))
    books = {}
    for name, settings in sorted(by_period.items()):
        last = max(settings, key=lambda one: (one["as_of"], one.get(RECEIPTS_VERSION, -1)))
        version = last.get(RECEIPTS_VERSION)
        is_there = version is not None and last.get(RECEIPTS_TABLE) == small.table_id(SOURCE, version)
        books[name] = Books(date.fromisoformat(last["as_of"]), version if is_there else None)
    return books


def _with_other_receipts(small: SmallTables, books: Mapping[str, Books], version: int) -> dict[str, Books]:
    """The books of periods of which a version of the source may have receipts that the collection did not read.

    Not those of which it has the same files, without attempts of later days: reading all receipts of every closed
    period would take longer with each period.
    """
    files = files_by_value(small.opened(SOURCE, version), PERIOD, DAY) if books else None
    if files is None:
        return dict(books)

    def has_all(name: str, read: Books) -> bool:
        now = files.get(name, frozenset())
        if read.version is None or not all(file.ends_by(read.as_of) for file in now):
            return False
        then = files_by_value(small.opened(SOURCE, read.version), PERIOD, DAY)
        return then is not None and then.get(name, frozenset()) == now

    return {name: read for name, read in books.items() if not has_all(name, read)}


def _booked(lake: Lake, period: str, books: Books, rows: DataFrame) -> DataFrame:
    """The returns that the period's last collection read. Where that version is gone, those of `rows` up to its day."""
    if books.version is None or not lake.small.is_readable(SOURCE, books.version):
        return known_until(rows, books.as_of)
    booked = known_until(read_source(lake, SOURCE, books.version), books.as_of)
    return booked.where((F.col("outcome") == "returned") & (F.col("period") == period)).localCheckpoint()


def _not_booked(rows: DataFrame, booked: DataFrame, publicity_on: date) -> list[dict]:
    """The rows that are not booked, as `returned_after_close` gives them.

    Equal rows are one return: copies, of a booked row too, have the reason REPEATED besides, and nothing at stake.
    """
    late = _judged(rows.exceptAll(booked), publicity_on)
    once = {_content(row) for row in _judged(rows.subtract(booked), publicity_on)} if late else set()
    for row in late:
        if _content(row) in once:
            once.remove(_content(row))
            row["amount_at_stake_fen"] = row["amount_fen"] or 0
        else:
            row["reasons"].append(REPEATED)
            row["amount_at_stake_fen"] = 0
    return late


def _judged(rows: DataFrame, publicity_on: date) -> list[dict]:
    broken = broken_bits(ROW_RULES, replace(NO_TERMS, publicity_on=publicity_on))
    every_reason = F.concat(reasons(ROW_RULES, broken), F.array(F.lit(AFTER_CLOSE)))
    judged = with_possible_days(rows.withColumn("reasons", every_reason), HELD)
    return [row.asDict() for row in judged.collect()]


def hold_returned_after_close(small: SmallTables, rows: Collection[dict], period: str, run_id: str) -> None:
    """Makes the period's quarantine hold exactly these returns of other periods; call it under the run lock."""
    decided = deciders(small, SOURCE)
    named = [{**row, "released_by": decided.get(held_id_of(TABLES[SOURCE], row))} for row in rows]
    is_late = f"period != '{period}' and array_has(reasons, '{AFTER_CLOSE}')"
    hold_exactly(small, HELD, named, is_late, period, run_id)


def undecided(small: SmallTables, rows: Collection[dict]) -> list[dict]:
    """The returns without a decision."""
    decided = deciders(small, SOURCE) if rows else {}
    return [row for row in rows if held_id_of(TABLES[SOURCE], row) not in decided]


def late_return_messages(rows: Collection[dict]) -> Iterator[str]:
    """The message that collections repeat until the rows are corrected or decided."""
    for period in sorted({row["period"] for row in rows}):
        count, fen = late_return_sums([row for row in rows if row["period"] == period])
        yield (
            f"{SOURCE}: {count:,} returns of {period} came after its close and are in no books: {AFTER_CLOSE}, "
            f"{yuan(fen)} yuan. They are held in {HELD.name}. Settle that money with the payers outside of the plan; "
            "then `fentan quarantine waive` ends this message."
        )


def late_return_sums(rows: Collection[Mapping]) -> tuple[int, int]:
    """The count of rows, and the sum of the plausible amounts at stake in fen."""
    amounts = [row["amount_at_stake_fen"] for row in rows]
    return len(amounts), sum(fen for fen in amounts if 0 < fen <= LARGEST_PLAUSIBLE_RECEIPT_FEN)


def _content(row: Mapping) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in TABLES[SOURCE].column_names)
