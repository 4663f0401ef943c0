"""Why a member owes an amount: every step from the sources to the amount, with its rule.

The steps are a pure function of a few published rows. The functions of the settlement do the arithmetic again. A step
shows the value that follows from the rules; if the stored value differs, a marked step is added.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from jobs.collection.set_off_and_lapse import COLLECTED, NETTED, WAIVED
from jobs.explaining.corrections import adjustment_steps, billed_steps, corrected_steps
from jobs.explaining.cover import cover_on, cover_steps, member_since
from jobs.explaining.facts import MemberFacts
from jobs.explaining.steps import (
    DOES_NOT_FOLLOW,
    Step,
    at_least_fen,
    at_most_fen,
    compared,
    compared_fen,
    rule_of,
)
from jobs.explaining.words import say
from jobs.settlement.assessments import FIRST_MONTH_WAIVER, FUNDED_PERIOD, YEARLY_CAP, sponsored_part
from jobs.settlement.one_fen_more import is_chosen
from jobs.settlement.yearly_cap import headroom_of

ASSESSED = "settled/assessments"
UNKNOWN = "unknown"  # cover that cannot be proved


def explain(facts: MemberFacts) -> dict:
    """The explanation of one plan's period: `charged`, `because`, `due_fen`, `steps`, and `follows`, whether every
    stored value that is named follows from the rules."""
    row = facts.assessment
    if facts.source_gone:
        cover, steps, since = UNKNOWN, [_without_source(facts)], _since_as_stored(facts)
    else:
        cover, spell = cover_on(facts)
        steps = cover_steps(facts, cover, spell)
        since = None if row is None else member_since(facts, spell)
    not_charged = steps[-1].says
    if row is not None:
        steps += [*_pool(facts), *_share(facts), *_due(facts, since), *_money(facts)]
    steps += [*adjustment_steps(facts), *billed_steps(facts), *corrected_steps(facts)]
    follows = all(step.name != DOES_NOT_FOLLOW for step in steps)
    reason = not_charged if row is None else _charged(row, follows)
    return {
        "plan_id": facts.plan.plan_id,
        "period": facts.period,
        "follows": follows,
        "charged": row is not None and row["due_fen"] > 0,
        "cover": cover,
        "because": reason["en"],
        "because_zh": reason["zh"],
        "source_gone": facts.source_gone,
        **_amounts(row),
        "steps": [step.shown() for step in steps],
    }


def _without_source(facts: MemberFacts) -> Step:
    """The step in place of the cover, which cannot be proved without the source."""
    key = "not charged, source gone" if facts.assessment is None else "source gone"
    return Step("source gone", say(key, source=facts.source_gone))


def _since_as_stored(facts: MemberFacts) -> date | None:
    """A first day of the membership that the stored marker implies: the source that could prove it is gone."""
    is_waived = facts.assessment is not None and facts.assessment["marker"] == FIRST_MONTH_WAIVER
    return facts.rules.waiver_joined_by if is_waived else None


def _charged(row: Mapping, follows: bool) -> Mapping[str, str]:
    amounts = {name: row[name] for name in ("share_fen", "sponsored_fen", "due_fen")}
    return say("charged" if follows else "charged against the rules", **amounts)


def _amounts(row: Mapping | None) -> dict:
    stored = ("share_fen", "sponsored_fen", "due_fen", "marker", "payer_id")
    return {"due_fen": 0} if row is None else {name: row[name] for name in stored}


def _pool(facts: MemberFacts) -> list[Step]:
    stored, expected = facts.pool, facts.expected_pool

    def differs(column: str) -> list[Step]:
        return compared_fen(f"settled/pools, {column}", stored[column], getattr(expected, column))

    return [
        Step("claims", _claims(facts)),
        *compared("settled/pools, case_count", stored["case_count"], expected.case_count),
        Step("benefits", say("benefits", count=expected.case_count), expected.benefit_fen),
        *differs("benefit_fen"),
        Step("fee", say("fee", ppm=facts.rules.fee_rate_ppm), expected.fee_fen, rule_of(facts, "fee_rate")),
        *differs("fee_fen"),
        Step("brought forward", say("brought forward"), -expected.brought_forward_fen),
        *differs("brought_forward_fen"),
        Step("per-case cap", say("per-case cap"), -expected.case_sponsored_fen, rule_of(facts, "per_case_cap")),
        *differs("case_sponsored_fen"),
        *compared_fen(
            "settled/benefits, sponsored_fen",
            sum(row["sponsored_fen"] for row in facts.benefits),
            expected.case_sponsored_fen,
        ),
        Step("pool", say("pool"), expected.pool_fen),
        *differs("pool_fen"),
    ]


def _claims(facts: MemberFacts) -> Mapping[str, str]:
    counts = Counter(row["marker"] for row in facts.benefits if row["marker"])
    markers = ", ".join(f"{count} {marker}" for marker, count in sorted(counts.items()))
    return say("claims marked" if markers else "claims", count=facts.expected_pool.case_count, markers=markers)


def _share(facts: MemberFacts) -> list[Step]:
    pool, row, rules, shares = facts.pool, facts.assessment, facts.rules, facts.shares
    covered = {rate["tier"]: rate["covered_count"] for rate in facts.rates}
    weights = {tier: rules.weights_ppm.get(tier, 0) for tier in covered}
    basis = sum(covered[tier] * weights[tier] for tier in covered)
    tiers = " + ".join(f"{covered[tier]:,} {tier} x {weights[tier]}" for tier in sorted(covered))
    share_fen, weight = shares.share_fen.get(row["tier"], 0), weights.get(row["tier"], 0)
    division = say("share", pool=f"{pool['pool_fen']:,}", weight=weight, basis=f"{basis:,}", rounding=rules.rounding)
    steps = [
        Step("basis", say("basis", tiers=tiers, basis=f"{basis:,}"), rule=rule_of(facts, "tier_weights")),
        *compared("settled/pools, covered_count", pool["covered_count"], sum(covered.values())),
        Step("share", division, share_fen, rule_of(facts, "rounding")),
        *compared("settled/pools, rounding", pool["rounding"], rules.rounding),
        *_rate(facts, row["tier"], share_fen),
    ]
    more_fen = int(_pays_one_fen_more(facts))
    if more_fen:
        steps.append(Step("one fen more", say("one fen more"), more_fen, rule_of(facts, "rounding")))
    return [
        *steps,
        *compared_fen(f"{ASSESSED}, share_fen", row["share_fen"], share_fen + more_fen),
        Step("carried forward", say("carried forward"), shares.billed_fen - pool["pool_fen"]),
        *compared_fen("settled/pools, billed_fen", pool["billed_fen"], shares.billed_fen),
        *compared_fen(
            "settled/pools, carried_forward_fen", pool["carried_forward_fen"], shares.billed_fen - pool["pool_fen"]
        ),
    ]


def _rate(facts: MemberFacts, tier: str, share_fen: int) -> list[Step]:
    """The stored rate of the member's tier compared with the rules; nothing if the tier has no rate."""
    return [
        step
        for rate in facts.rates
        if rate["tier"] == tier
        for step in (
            *compared("settled/rates, weight_ppm", rate["weight_ppm"], facts.rules.weights_ppm.get(tier)),
            *compared_fen("settled/rates, share_fen", rate["share_fen"], share_fen),
        )
    ]


def _pays_one_fen_more(facts: MemberFacts) -> bool:
    chosen_count = facts.shares.one_fen_more_count
    if chosen_count == 0:
        return False
    assert facts.members_before is not None, "one fen more is paid, but the member's place in the lot was not read"
    return is_chosen(facts.members_before, chosen_count)


def _due(facts: MemberFacts, since: date | None) -> list[Step]:
    row, rules = facts.assessment, facts.rules
    headroom_fen = headroom_of(rules.yearly_cap_fen, facts.borne_fen)
    # Without a membership the first month is never waived.
    sponsored_fen, marker = sponsored_part(row["share_fen"], rules, since or facts.publicity_on, headroom_fen)
    rule_names = {YEARLY_CAP: "yearly_cap", FUNDED_PERIOD: "funded_periods", FIRST_MONTH_WAIVER: "first_month_waiver"}
    steps = []
    if marker:
        key = "sponsor above cap" if marker == YEARLY_CAP else "sponsor"
        sentence = say(key, sponsored_fen=sponsored_fen, marker=marker, borne_fen=facts.borne_fen)
        steps.append(Step("sponsor", sentence, -sponsored_fen, rule_of(facts, rule_names[marker])))
    due_fen = row["share_fen"] - row["sponsored_fen"]
    return [
        *steps,
        *compared_fen(f"{ASSESSED}, sponsored_fen", row["sponsored_fen"], sponsored_fen),
        *compared(f"{ASSESSED}, marker", row["marker"], marker),
        Step("due", say("due"), due_fen),
        *compared_fen(f"{ASSESSED}, due_fen", row["due_fen"], due_fen),
    ]


def _money(facts: MemberFacts) -> list[Step]:
    steps = [*_bill(facts), *_collection(facts)]
    for lapse in facts.lapses:
        steps.append(
            Step("lapse", say("lapse", period=lapse["period"], ended_at=f"{lapse['ended_at']:%Y-%m-%d %H:%M:%S}"))
        )
    return steps


def _bill(facts: MemberFacts) -> list[Step]:
    """The payer's bill: the member's due if the payer pays for no one else, otherwise at least that."""
    bill, due_fen, place = facts.bill, facts.assessment["due_fen"], "settled/bills, due_fen"
    if bill is None:
        return at_least_fen(place, 0, due_fen)
    is_only_member = bill["member_count"] == 1
    compared_to_due = compared_fen if is_only_member else at_least_fen
    sentence = say("bill", others=bill["member_count"] - 1)
    return [Step("bill", sentence, bill["due_fen"]), *compared_to_due(place, bill["due_fen"], due_fen)]


def _collection(facts: MemberFacts) -> list[Step]:
    """The amount collected: the whole due if it was collected, set off or waived, less if the member is in arrears."""
    row, due_fen, place = facts.collection, facts.assessment["due_fen"], "settled/collections"
    if row is None:
        return []
    status, collected_on = row["status"], row["collected_on"]
    # A partly paid share has a day as well, but its status does not date from that day.
    key = "collected on" if status in (COLLECTED, NETTED) and collected_on else "collected"
    is_settled = status in (COLLECTED, NETTED, WAIVED)
    collected_fen = row["collected_fen"]
    return [
        Step("collected", say(key, status=status, collected_on=collected_on), collected_fen),
        *compared_fen(f"{place}, due_fen", row["due_fen"], due_fen),
        *(
            compared_fen(f"{place}, collected_fen", collected_fen, due_fen)
            if is_settled
            else at_most_fen(f"{place}, collected_fen", collected_fen, due_fen - 1)
        ),
    ]
