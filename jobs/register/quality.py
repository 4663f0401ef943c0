"""What the gate and the proof of a run counted against each rule: one row of control/quality per rule."""

from collections.abc import Iterable

from expectations.rule import Severity
from expectations.suites import RuleResult
from jobs.lake.small import SmallTables, matching
from schemas import TABLES

QUALITY = TABLES["control/quality"]


def record_quality(small: SmallTables, results: Iterable[RuleResult], run_id: str, period: str) -> None:
    """Writes one row per rule; a run that is repeated replaces its own rows."""
    rows = [
        {
            "run_id": run_id,
            "period": period,
            "table_name": result.table_name,
            "expectation": result.expectation,
            "id": result.id,
            "sentence": result.sentence,
            "severity": str(result.severity),
            "observed": result.observed,
            "unexpected_count": result.unexpected_count,
            "amount_at_stake_fen": result.amount_at_stake_fen,
            "success": result.success,
            "suite_digest": result.suite_digest,
        }
        for result in results
    ]
    if rows:
        small.replace(QUALITY, rows, matching(run_id=run_id), run_id)
    else:
        small.delete(QUALITY.name, matching(run_id=run_id), run_id)


def recorded_quality(small: SmallTables, run_id: str) -> dict[str, list[RuleResult]]:
    """The recorded results of a run by table, in the order of their ids. The number of rows judged is not recorded."""
    results: dict[str, list[RuleResult]] = {}
    for row in sorted(
        small.rows(QUALITY.name, matching(run_id=run_id)), key=lambda row: (row["table_name"], row["id"])
    ):
        result = RuleResult(
            table_name=row["table_name"],
            expectation=row["expectation"],
            id=row["id"],
            sentence=row["sentence"],
            severity=Severity(row["severity"]),
            unexpected_count=row["unexpected_count"],
            amount_at_stake_fen=row["amount_at_stake_fen"],
            suite_digest=row["suite_digest"],
        )
        results.setdefault(result.table_name, []).append(result)
    return results
