"""The proof before publishing: every rule of the tables written and every invariant holds on what was read back."""

from collections.abc import Iterable, Mapping

from expectations.suites import Judged
from jobs.errors import IntegrityBroken
from jobs.lake.sinks import Writing
from jobs.ledger.invariants import ReadBack, breaches

SMALL_TABLES = ("settled/pools", "settled/rates", "ledger/journal", "ledger/fee")


def prove(sink: Writing, stored: Mapping[str, Mapping[str, dict]], period: str) -> list[Judged]:
    """The suites' results on the tables as read back; raises IntegrityBroken with the arithmetic of each breach.

    `stored`: digests by plan and table, as read back.
    """
    judged = sink.judged()
    faults = [result.fault for result in judged if not result.success]
    for plan_id, digests in stored.items():
        faults += [f"plan {plan_id}: {fault}" for fault in _faults_of_plan(plan_id, digests, sink.rows)]
    if faults:
        raise IntegrityBroken(
            f"Period {period}: {'; '.join(faults)}. Nothing was published. "
            "Settle again; if it fails again, check the storage and report this message."
        )
    return judged


def _faults_of_plan(plan_id: str, digests: Mapping[str, dict], rows: Mapping[str, list[dict]]) -> Iterable[str]:
    of_plan = {table: [row for row in rows[table] if row["plan_id"] == plan_id] for table in SMALL_TABLES}
    if len(of_plan["settled/pools"]) != 1 or len(of_plan["ledger/fee"]) != 1:
        return ["settled/pools and ledger/fee do not hold exactly one row"]
    return breaches(
        ReadBack(
            digests=digests,
            pool=of_plan["settled/pools"][0],
            rates=of_plan["settled/rates"],
            journal=of_plan["ledger/journal"],
            fee=of_plan["ledger/fee"][0],
        )
    )
