"""Approvals in control/approvals: who approved which digest of a plan's period. Names are not authenticated."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime

from jobs.lake.small import SmallTables, matching
from schemas import TABLES

APPROVALS = TABLES["control/approvals"]


def same_person(name: str, other: str) -> bool:
    """Whether two names are the same but for capitals, width and white space."""
    return _plain(name) == _plain(other)


def approvers(small: SmallTables, period: str, digests: Mapping[str, str]) -> dict[str, list[str]]:
    """By plan, the different people who approved exactly its digest, in the order of their approvals."""
    rows = small.rows(APPROVALS.name, matching(period=period, plan_id=list(digests)))
    names: dict[str, list[str]] = {p: [] for p in digests}
    for row in sorted(rows, key=lambda row: row["approved_at"]):
        of_plan = names[row["plan_id"]]
        if row["digest"] == digests[row["plan_id"]] and not any(same_person(row["approved_by"], n) for n in of_plan):
            of_plan.append(row["approved_by"])
    return names


def record_approvals(
    small: SmallTables, period: str, digests: Mapping[str, str], approved_by: str, run_id: str
) -> None:
    """Appends one row per plan in one commit; a digest that the person approved before is not approved again."""
    before, now = approvers(small, period, digests), datetime.now(UTC)
    rows = [
        {"period": period, "plan_id": p, "digest": digest, "approved_by": approved_by, "approved_at": now,
         "run_id": run_id}
        for p, digest in sorted(digests.items())
        if not any(same_person(approved_by, name) for name in before[p])
    ]  # fmt: skip
    if rows:
        small.append(APPROVALS, rows, run_id)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
