"""`fentan preview`: the whole settlement without publishing, from the same code as `settle`."""

import argparse

from jobs.commands.options import add_period_arguments
from jobs.errors import GateStopped
from jobs.lake.opening import open_lake
from jobs.lake.sinks import Measuring
from jobs.money import SHARE_ROUNDING, apportion
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import period_request_of
from jobs.works.settle_gate import judge_sources, previous_shares, results_with_shares, stop_if_critical
from jobs.works.settle_pinning import pin
from jobs.works.settle_plans import settle_plans
from jobs.works.settle_shown import settlement_document, settlement_text

EXAMPLES = """  fentan preview --lake ./lake --period 2020-12-P1
  fentan preview --lake ./lake --period 2020-12-P1 --plan critical_illness --json"""

add_arguments = add_period_arguments


def run(args: argparse.Namespace) -> Outcome:
    """Computes the period and its digests; writes nothing."""
    request = period_request_of(args)
    pinned = pin(open_lake(request.environment, request.lake_root, str(request.period)), request)
    if not pinned.plan_ids:
        text = f"Period {pinned.request.period}: no plan has members or claims"
        return Outcome(
            {"period": str(pinned.request.period), "state": "nothing to settle", "plans": {}}, text, 0, pinned.skipped
        )
    gate = judge_sources(pinned)
    stop_if_critical(gate)
    sink = Measuring(pinned.lake, str(pinned.request.period), gate.plan_ids, pinned.run.run_id)
    settled = settle_plans(pinned, gate, sink)
    found = results_with_shares(pinned, gate, settled.share_fen, settled.limited_claims)
    document = settlement_document(pinned, gate, found, settled, "preview: nothing was published")
    document["roundings"] = {
        plan_id: _priced(settled.pools[plan_id], settled.rates[plan_id]) for plan_id in settled.pools
    }
    document["previous_share_fen"] = {f"{p}/{tier}": fen for (p, tier), fen in sorted(previous_shares(pinned).items())}
    text = "\n\n".join([settlement_text(document), _roundings_text(document), _comparison_text(document)])
    messages = (*pinned.skipped, *pinned.late_claims.messages(pinned.plan_ids), *gate.refused.values())
    return Outcome(document, text, GateStopped.exit_code if gate.refused else 0, messages)


def _priced(pool: dict, rates: list[dict]) -> dict[str, dict]:
    """What each rounding policy would charge for the same pool."""
    covered = {rate["tier"]: rate["covered_count"] for rate in rates}
    weights = {rate["tier"]: rate["weight_ppm"] for rate in rates}
    priced = {policy: apportion(pool["pool_fen"], covered, weights, policy) for policy in SHARE_ROUNDING}
    return {
        policy: {
            "share_fen": dict(shares.share_fen),
            "one_fen_more_count": shares.one_fen_more_count,
            "billed_fen": shares.billed_fen,
            "carried_forward_fen": shares.billed_fen - pool["pool_fen"],
        }
        for policy, shares in priced.items()
    }


def _roundings_text(document: dict) -> str:
    rows = [
        [plan_id, policy, ", ".join(f"{tier} {yuan(fen)}" for tier, fen in priced["share_fen"].items()),
         yuan(priced["billed_fen"]), yuan(priced["carried_forward_fen"])]
        for plan_id, policies in document["roundings"].items()
        for policy, priced in policies.items()
    ]  # fmt: skip
    return table_text(
        "What each rounding would charge, in yuan", ["plan", "rounding", "shares", "billed", "carried fwd"], rows
    )


def _comparison_text(document: dict) -> str:
    before = document["previous_share_fen"]
    rows = []
    for plan_id, plan in document["plans"].items():
        for rate in plan["rates"]:
            previous = before.get(f"{plan_id}/{rate['tier']}")
            if previous is not None:
                rows.append(
                    [plan_id, rate["tier"], yuan(previous), yuan(rate["share_fen"]), yuan(rate["share_fen"] - previous)]
                )
    if not rows:
        return "No previous period to compare with"
    return table_text("Compared with the previous period, in yuan", ["plan", "tier", "before", "now", "change"], rows)
