"""A correction as a document for programs and as tables for people."""

from collections.abc import Iterable, Mapping

from expectations.suites import RuleResult
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.register.publications import published
from jobs.works.correct_pinning import PinnedCorrection
from jobs.works.settle_shown import broken_rules, quality_line

AMOUNTS = ("delta_benefit_fen", "delta_fee_fen", "delta_due_fen", "asked_fen", "refunded_fen", "written_off_fen",
           "pooled_fen", "adjusted_fen")  # fmt: skip


def nothing_differs(pinned: PinnedCorrection, rule_results: Iterable[RuleResult]) -> Outcome:
    """The outcome of a correction that has no difference: nothing is published."""
    period, broken = str(pinned.request.period), broken_rules(rule_results)
    document = {
        "period": period, "origin_period": pinned.origin_name, "state": "nothing differs", "plans": {},
        "quality": broken,
    }  # fmt: skip
    text = f"Period {pinned.origin_name}: from today's sources and rules nothing differs; nothing was published"
    return Outcome(document, f"{text}\n\n{quality_line(broken)}", 0, tuple(pinned.origin.skipped))


def shown(
    pinned: PinnedCorrection,
    pools: Mapping[str, dict],
    case_rows: Mapping[str, list[dict]],
    reinstated_count: Mapping[str, int],
    rule_results: Iterable[RuleResult],
) -> Outcome:
    """The outcome of a correction. Maps are by plan with a difference; `rule_results`: on the sources."""
    broken = broken_rules(rule_results)
    period, origin = str(pinned.request.period), pinned.origin_name
    document = {
        "period": period,
        "origin_period": origin,
        "state": "corrected",
        "run_id": pinned.run.run_id,
        "reason": pinned.reason,
        "plans": {
            p: {**row, "cases": len(case_rows[p]), "reinstated": reinstated_count[p]} for p, row in pools.items()
        },
        "quality": broken,
    }
    rows = [[p, *(yuan(row[name]) for name in AMOUNTS)] for p, row in pools.items()]
    columns = ["plan", *(name.removesuffix("_fen").replace("_", " ") for name in AMOUNTS)]
    head = f"Period {origin} is corrected into {period} by {pinned.run.run_id}: {pinned.reason}"
    messages = (*pinned.origin.skipped, *_later_periods(pinned, pools, reinstated_count))
    text = "\n\n".join((head, table_text("Differences in yuan", columns, rows), quality_line(broken)))
    return Outcome(document, text, 0, messages)


def _later_periods(
    pinned: PinnedCorrection, pools: Mapping[str, dict], reinstated_count: Mapping[str, int]
) -> Iterable[str]:
    """Settled periods after the corrected one that would come out otherwise now: they are corrected one by one."""
    calendar, origin = pinned.request.platform.calendar, pinned.origin.request.period
    settled = published(pinned.lake.small, "settle")
    for plan_id, row in pools.items():
        later = [calendar.period(name) for name, p in settled if p == plan_id and calendar.period(name) > origin]
        cap = pinned.request.platform.plans[plan_id].sharing_on(pinned.origin.request.publicity_on).yearly_cap_fen
        is_capped = cap is not None and row["delta_due_fen"] - row["pooled_fen"] != 0
        of_year = [p for p in later if p.year == origin.year and is_capped]
        if reinstated_count[plan_id] and later:
            yield _advice(plan_id, later, "reinstated members are not part of them")
        elif of_year:
            yield _advice(plan_id, of_year, "what members were charged this year counts for the yearly cap")


def _advice(plan_id: str, periods: list, why: str) -> str:
    names = ", ".join(str(period) for period in sorted(periods))
    return (
        f"{plan_id}: {names} may differ now: {why}. They do not change; to correct them, run `fentan correct` in order."
    )
