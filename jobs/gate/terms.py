"""The values of the platform's rules, in force on a period's publicity day, that its quality rules need."""

from collections.abc import Iterable
from dataclasses import replace

from expectations.rule import NO_TERMS, Terms
from jobs.rulebook.calendar import Calendar, Period
from jobs.rulebook.rules import Platform
from schemas.codes import TIERS


def terms_of(platform: Platform, period: Period, existing: Iterable[str]) -> Terms:
    """The terms of the period. `existing`: the plans that have started and not ended; the others may have any tier."""
    day = platform.calendar.publicity_on(period)
    plans = {plan_id: platform.plans[plan_id] for plan_id in existing}
    ruled = {plan_id: plan for plan_id, plan in plans.items() if plan.is_ruled_on(day)}
    joining = {plan_id: plan.joining_on(day) for plan_id, plan in ruled.items()}
    tiers = {plan_id: tuple(sorted(plan.sharing_on(day).weights_ppm)) for plan_id, plan in ruled.items()}
    return Terms(
        publicity_on=day,
        period_names=platform.calendar.period_names,
        tiers=tiers | {plan_id: TIERS for plan_id in platform.plans if plan_id not in ruled},
        illness_codes=tuple(sorted(platform.illnesses)),
        waiting_days={plan_id: rules.waiting_days for plan_id, rules in joining.items()},
        joining_age_from_days={plan_id: rules.joining_age_from_days for plan_id, rules in joining.items()},
        joining_age_to_years={plan_id: rules.joining_age_to_years for plan_id, rules in joining.items()},
        membership_ends_at_age_years={p: rules.membership_ends_at_age_years for p, rules in joining.items()},
        calendar_days=platform.calendar.days,
    )


def calendar_terms(calendar: Calendar) -> Terms:
    """The terms of rules that depend on nothing but the calendar."""
    return replace(NO_TERMS, period_names=calendar.period_names, calendar_days=calendar.days)
