"""How far each plan's period has come: settled, collected or closed."""

from collections.abc import Iterable, Mapping

from jobs.lake.small import SmallTables, matching
from jobs.register.publications import PUBLICATIONS, in_force, published_in

# In the order of a period's life: the stage, and the job whose publication reaches it.
JOB_OF_STAGE = {"settled": "settle", "collected": "collect", "closed": "close"}
NOT_SETTLED = "not settled"


def stages_of(acts: Iterable[Mapping]) -> dict[tuple[str, str], str]:
    """By period and plan, the latest stage that is published among these rows of control/publications."""
    acts = list(acts)
    return {key: stage for stage, job in JOB_OF_STAGE.items() for key in in_force(acts, job)}


def stages_in(small: SmallTables, period: str, plan_ids: Iterable[str]) -> dict[str, str]:
    """The stage of each of the plans in a period; `not settled` without a publication."""
    stages = stages_of(small.rows(PUBLICATIONS.name, matching(period=period)))
    return {plan_id: stages.get((period, plan_id), NOT_SETTLED) for plan_id in plan_ids}


def is_closed(small: SmallTables, period: str) -> bool:
    """Whether every settled plan of the period is closed."""
    settled, closed = (published_in(small, job, period) for job in ("settle", "close"))
    return bool(closed) and set(settled) <= set(closed)
