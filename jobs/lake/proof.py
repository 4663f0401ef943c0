"""The proof before publishing: what was read back is what was intended, and every invariant holds on it."""

from collections.abc import Iterable, Mapping

from pyspark.sql import functions as F

from expectations.suites import Judged, judge
from jobs.errors import IntegrityBroken
from jobs.lake.sinks import Writing, at_once
from jobs.settlement.invariants import ReadBack, breaches
from schemas import TABLES

SMALL_TABLES = ("settled/pools", "settled/rates", "ledger/journal", "ledger/fee")
PROVEN_TABLES = ("settled/benefits", "settled/assessments", "settled/bills", *SMALL_TABLES)


def prove(sink: Writing, intended: Mapping[str, Mapping[str, dict]], period: str) -> list[Judged]:
    """Reads every table back and returns the suites' results; raises IntegrityBroken with the arithmetic of each breach.

    `intended`: digests by plan and table, as measured on the way to the files.
    """
    measured = at_once(sink.read_back, PROVEN_TABLES)
    rows = at_once(lambda table: _rows(sink, table), SMALL_TABLES)
    stored = {table: digests for table, (digests, _) in measured.items()}
    judged = [result for table, (_, counts) in measured.items() for result in judge(table, counts)]
    faults = [f"{result.table_name}: {result.sentence} ({result.observed})" for result in judged if not result.success]
    for plan_id in intended:
        faults += [f"plan {plan_id}: {fault}" for fault in _faults_of_plan(plan_id, intended[plan_id], stored, rows)]
    if faults:
        raise IntegrityBroken(
            f"Period {period}: {'; '.join(faults)}. Nothing was published. "
            "Settle again; if it fails again, check the storage and report this message."
        )
    return judged


def _faults_of_plan(plan_id: str, intended: Mapping[str, dict], stored: dict, rows: dict) -> Iterable[str]:
    for table, digest in intended.items():
        if stored[table][plan_id] != digest:
            yield f"{table} was read back as {stored[table][plan_id]} but {digest} was to be written"
    of_plan = {table: [row for row in rows[table] if row["plan_id"] == plan_id] for table in SMALL_TABLES}
    if len(of_plan["settled/pools"]) != 1 or len(of_plan["ledger/fee"]) != 1:
        yield "settled/pools and ledger/fee do not hold exactly one row"
        return
    yield from breaches(
        ReadBack(
            digests={table: stored[table][plan_id] for table in PROVEN_TABLES},
            pool=of_plan["settled/pools"][0],
            rates=of_plan["settled/rates"],
            journal=of_plan["ledger/journal"],
            fee=of_plan["ledger/fee"][0],
        )
    )


def _rows(sink: Writing, table: str) -> list[dict]:
    frame = sink.stored(table, None)
    return [row.asDict() for row in frame.select(*(F.col(name) for name in TABLES[table].column_names)).collect()]
