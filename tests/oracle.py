"""The settlement a second time, in plain Python: slow, literal, and written from the rules, not from the Spark code.

Whole numbers, dates and dicts. Agreement over simulated years shows that neither program has a bug of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from jobs.rulebook.calendar import Period
from jobs.rulebook.rules import Plan
from tests.oracle_benefits import benefit_row, judge, weights_of
from tests.oracle_gate import Held, hold_claims, hold_members, released_claims
from tests.oracle_shares import assess, bills, fee_ledger, fill_pool, journal, pay_one_fen_more, rates, share_out, total
from tests.oracle_world import Case, History, World, memberships

__all__ = ["Held", "History", "Settled", "SettledPlan", "World", "settle", "settle_all"]


@dataclass(frozen=True)
class SettledPlan:
    """One settled period of one plan: rows as in the tables, without run_id and rule_version.

    `one_fen_more` is r of exact rounding: how many members pay a fen above `rates.share_fen`; 0 otherwise.
    `counted_claims` are the source rows of the benefits that count.
    """

    benefits: list[dict]
    pool: dict
    rates: list[dict]
    assessments: list[dict]
    bills: list[dict]
    journal: list[dict]
    fee: dict
    one_fen_more: int
    counted_claims: list[dict]


@dataclass(frozen=True)
class Settled:
    """One period: settled plans, refused and skipped plans with the reason, held rows with all reasons."""

    period: str
    publicity_on: date
    plans: dict[str, SettledPlan]
    refused: dict[str, str]
    skipped: dict[str, str]
    held_members: list[Held]
    held_claims: list[Held]
    used_claims: tuple[dict, ...] = ()  # released claims settled in it, as in the source

    def rows(self, table: str) -> list[dict]:
        """All plans' rows of `benefits`, `pool`, `rates`, `assessments`, `bills`, `journal` or `fee`."""
        tables = [getattr(plan, table) for plan in self.plans.values()]
        return [row for rows in tables for row in (rows if isinstance(rows, list) else [rows])]


def settle(
    world: World,
    period: str,
    history: History,
    one_fen_more: Mapping[str, Iterable[int]] | None = None,
) -> Settled:
    """One period of every plan that has members or claims.

    `one_fen_more`: by plan, the members that pay one fen more under `exact` rounding according to another program; the
    oracle checks that there are exactly r. Without it the r lowest member ids pay it. Raises RuleNotInForce.
    """
    platform = world.platform
    if platform.carry_on != "billed":
        raise NotImplementedError("the oracle carries forward on billed money only")
    publicity_on = platform.calendar.publicity_on(platform.calendar.period(period))
    members, held_members = hold_members(world, publicity_on)
    unbroken = memberships(world, members)
    released = released_claims(world, period, history)
    claims, held_claims = hold_claims(world, period, publicity_on, unbroken, history.counted_claims, released)
    plans, refused, skipped = {}, {}, {}
    for plan_id, plan in sorted(platform.plans.items()):
        table = [row for row in (*world.members, *world.claims) if row["plan_id"] == plan_id]
        why_not = why_skipped(plan, table, platform.calendar.period(period))
        if why_not:
            skipped[plan_id] = why_not
            continue
        case = Case(platform, plan, period, publicity_on, unbroken.get(plan_id, {}), history)
        has_claims = any(c["plan_id"] == plan_id and c["publicity_period"] == period for c in world.claims)
        plan_claims = [claim for claim in claims if claim["plan_id"] == plan_id]
        why_not = why_refused(case, has_claims)
        if why_not:
            refused[plan_id] = why_not
        else:
            plans[plan_id] = settle_plan(case, plan_claims, (one_fen_more or {}).get(plan_id))
    used = tuple(claim for claim in released if claim["plan_id"] in plans)
    return Settled(period, publicity_on, plans, refused, skipped, held_members, held_claims, used)


def settle_all(world: World, first: str, last: str) -> list[Settled]:
    """Every period from first to last, each with the history of the earlier ones."""
    calendar, history, settled = world.platform.calendar, History(), []
    for period in calendar.between(calendar.period(first), calendar.period(last)):
        settled.append(settle(world, str(period), history))
        history = history.after(settled[-1])
    return settled


def why_skipped(plan: Plan, rows: list[dict], period: Period) -> str | None:
    if not rows:
        return "the plan has neither members nor claims"
    if period < plan.first_period or (plan.last_period and period > plan.last_period):
        return "the plan does not run in the period"
    return None


def why_refused(case: Case, has_claims: bool) -> str | None:
    """Why the plan cannot be settled. `has_claims`: the period has claims for it, held ones included."""
    previous = case.platform.calendar.previous(case.platform.calendar.period(case.period))
    last_pool = case.history.last_pool.get(case.plan.plan_id)
    if last_pool and last_pool["period"] != str(previous):
        return f"the previous period {previous} is not settled"
    if has_claims and not case.covered:
        return "claims without any covered member"
    if len(case.covered) < case.sharing.minimum_members:
        return "fewer covered members than the minimum"
    return None


def settle_plan(case: Case, claims: list[dict], one_fen_more: Iterable[int] | None) -> SettledPlan:
    judged = judge(case, claims)
    counted = [claim for claim, verdict in judged if verdict.counted]
    helped = {claim["member_id"] for claim in counted}
    sharers = {m: s for m, s in case.covered.items() if case.sharing.helped_member_shares or m not in helped}
    benefits = [benefit_row(case, claim, verdict, weights_of(case, sharers)) for claim, verdict in judged]
    pool_fen, pool = fill_pool(case, benefits)
    shares, r = share_out(pool_fen, sharers, case.sharing)
    assessments = assess(case, sharers, pay_one_fen_more(shares, r, one_fen_more))
    pool |= {
        "covered_count": len(sharers),
        "billed_fen": total(assessments, "share_fen"),
        "member_sponsored_fen": total(assessments, "sponsored_fen"),
        "due_fen": total(assessments, "due_fen"),
        "carried_forward_fen": total(assessments, "share_fen") - pool_fen,
        "rounding": case.sharing.rounding,
    }
    return SettledPlan(
        benefits=benefits,
        pool=pool,
        rates=rates(case, assessments, shares, pool),
        assessments=assessments,
        bills=bills(case, assessments),
        journal=journal(case, pool),
        fee=fee_ledger(case, pool),
        one_fen_more=r,
        counted_claims=counted,
    )
