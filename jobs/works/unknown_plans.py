"""Rows of plans that the platform does not have: they are held and reported, and members of no other plan stop the
run."""

from collections.abc import Iterable

from expectations.suites import RuleResult
from jobs.errors import GateStopped
from jobs.lake.small import SmallTables, matching
from jobs.rulebook.rules import Platform

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


def unknown_plan_messages(results: Iterable[RuleResult], platform: Platform) -> tuple[str, ...]:
    """One message per source with rows of unknown plans, with their count."""
    return tuple(
        f"{result.table_name}: {result.unexpected_count:,} rows belong to no plan of the platform "
        f"{platform.platform_id} and are held ({result.id})"
        for result in results
        if result.id in RULES and result.unexpected_count
    )
