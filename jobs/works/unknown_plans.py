"""Rows of plans that the platform does not have: they are held and reported, and members of no other plan stop the
run."""

from collections.abc import Iterable

from expectations.suites import RuleResult
from jobs.base.errors import GateStopped
from jobs.lake.small import SmallTables, matching
from jobs.rulebook.rules import Platform
from jobs.works.held_rows import waived_count
from schemas import TABLES

MEMBERS = "source/members"
RULES = ("member_plan_unknown", "claim_plan_unknown")


def check_members_of_platform(small: SmallTables, platform: Platform, version: int) -> None:
    """Raises GateStopped if source/members (at this version) has rows, but none of a plan of the platform."""
    if small.holds_any(MEMBERS, matching(plan_id=set(platform.plans))) or not small.holds_any(MEMBERS, "true"):
        return
    count = small.row_count(MEMBERS)
    rows = "its rows" if count is None else f"its {count:,} rows"
    raise GateStopped(
        f"{MEMBERS}, version {version}: none of {rows} belongs to a plan of the platform {platform.platform_id}, which "
        f"has {', '.join(sorted(platform.plans))}. Nothing was done. If the lake is another platform's, name that with "
        "--platform; else ask the owner of the table to correct plan_id."
    )


def unknown_plan_messages(
    results: Iterable[RuleResult], platform: Platform, small: SmallTables | None = None
) -> tuple[str, ...]:
    """One message per source with rows of unknown plans, with their count. `small`: to leave out the waived rows."""
    return tuple(
        f"{result.table_name}: {count:,} rows belong to no plan of the platform "
        f"{platform.platform_id} and are held ({result.id})"
        for result in results
        if result.id in RULES and (count := result.unexpected_count - _waived_count(small, result)) > 0
    )


def _waived_count(small: SmallTables | None, result: RuleResult) -> int:
    return 0 if small is None else waived_count(small, TABLES[result.table_name], result.id)
