"""Records the results of a run's gate and proof in control/quality, one row per expectation."""

from collections.abc import Iterable

from expectations.suites import RuleResult
from jobs.lake.small import SmallTables, matching
from schemas import TABLES

QUALITY = TABLES["control/quality"]


def record_quality(small: SmallTables, results: Iterable[RuleResult], run_id: str, period: str) -> None:
    """Writes one row per expectation; a repeated run replaces its own rows."""
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
    small.replace(QUALITY, rows, matching(run_id=run_id), run_id)
