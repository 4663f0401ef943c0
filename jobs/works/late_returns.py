"""Returns for closed periods that came after the close: the next collection holds them, closed books do not change."""

import json
from collections.abc import Collection, Iterator

from deltalake.exceptions import DeltaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.receipts import LARGEST_PLAUSIBLE_RECEIPT_FEN
from jobs.collection.allocation import CollectionDays
from jobs.errors import GateStopped
from jobs.lake.lake import Lake
from jobs.lake.sources import read_source
from jobs.pipeline.amounts import yuan
from jobs.register.publications import published, published_in
from jobs.register.runs import rows_of_runs
from schemas import TABLES

SOURCE, HELD = "source/receipts", TABLES["control/quarantine_receipts"]
AFTER_CLOSE = "receipt_after_close"
RECEIPTS_VERSION = "receipts_version"  # in the settings of a run: the version of the source that was collected


def returned_after_close(lake: Lake, version: int, period: str, days: CollectionDays) -> list[dict]:
    """The returns of other, closed periods that their books do not contain, as rows of source/receipts.

    Books contain the returns that the collected version of the source had, up to the day of the collection. `version`:
    of source/receipts.
    """
    closed = _closed_periods(lake, period)
    if not closed:
        return []
    is_return = F.col("outcome") == "returned"
    known = is_return & F.col("period").isin(closed) & (F.col("attempted_on") <= F.lit(days.as_of))
    returned = read_source(lake, SOURCE, version).where(known).localCheckpoint()
    late = []
    for name in sorted(row.period for row in returned.select("period").distinct().collect()):
        rows = returned.where(F.col("period") == name)
        late += [row.asDict() for row in rows.exceptAll(_booked(lake, name, rows, is_return)).collect()]
    return sorted(late, key=str)


def _closed_periods(lake: Lake, period: str) -> list[str]:
    """The periods other than this one whose settled plans are all closed."""
    settled, closed = (set(published(lake.small, job)) for job in ("settle", "close"))
    still_open = {name for name, _ in settled - closed}
    return sorted({name for name, _ in closed} - still_open - {period})


def _booked(lake: Lake, period: str, rows: DataFrame, is_return: Column) -> DataFrame:
    """The returns that a closed period's last collection read. Where that version is gone, those up to its day."""
    runs = rows_of_runs(lake.small, {p.run_id for p in published_in(lake.small, "collect", period).values()})
    settings = max(
        (json.loads(row["settings"]) for row in runs.values()),
        key=lambda one: (one["as_of"], one.get(RECEIPTS_VERSION, -1)),
    )
    is_until = F.col("attempted_on") <= F.lit(settings["as_of"]).cast("date")
    if RECEIPTS_VERSION not in settings:
        return rows.where(is_until)
    try:
        booked = read_source(lake, SOURCE, settings[RECEIPTS_VERSION])
        return booked.where(is_return & is_until & (F.col("period") == period)).localCheckpoint()
    except (DeltaError, GateStopped, OSError, PySparkException):
        return rows.where(is_until)


def hold_returned_after_close(lake: Lake, rows: Collection[dict], period: str, run_id: str) -> None:
    """Makes the quarantine hold exactly these returns for this reason; call it under the run lock.

    Rows of a period that its own collection holds, because some of its plans were closed before, stay.
    """
    small = lake.small
    is_held = f"array_has(reasons, '{AFTER_CLOSE}')"
    held = small.rows(HELD.name, is_held)
    own = {publication.run_id for publication in published(small, "collect").values()}
    earlier = [
        row for row in held if not (row["run_id"] in own and row["run_id"].startswith(f"collect-{row['period']}"))
    ]
    if sorted(map(_content, earlier)) == sorted(map(_content, rows)):
        return
    first_seen = {_content(row): row["first_seen_period"] for row in earlier}
    new = [
        {
            **row,
            "reasons": [AFTER_CLOSE],
            "first_seen_period": first_seen.get(_content(row), period),
            "held_in_period": period,
            "amount_at_stake_fen": row["amount_fen"] or 0,
            "run_id": run_id,
        }
        for row in rows
    ]
    kept = [row for row in held if row not in earlier]
    small.replace(HELD, [*kept, *new], is_held, run_id)


def late_return_messages(rows: Collection[dict]) -> Iterator[str]:
    """The message that collections repeat until the owner of the rows has corrected them."""
    for period in sorted({row["period"] for row in rows}):
        amounts = [row["amount_fen"] for row in rows if row["period"] == period]
        total_fen = sum(fen for fen in amounts if fen is not None and 0 < fen <= LARGEST_PLAUSIBLE_RECEIPT_FEN)
        yield (
            f"{SOURCE}: {len(amounts):,} returns of {period} came after its close and are in no books: {AFTER_CLOSE}, "
            f"{yuan(total_fen)} yuan. They are held in {HELD.name}. Settle that money with the payers outside of the "
            "plan."
        )


def _content(row: dict) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in TABLES[SOURCE].column_names)
