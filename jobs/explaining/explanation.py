"""Why a member owes what he owes: every step from the sources to the amount, with the rule behind it.

Pure: a few rows of the published tables in, steps out. The arithmetic is done again by the functions that did it
first. A step tells what follows from the rules; where a stored value is another one, a marked step says so.
"""

from collections.abc import Mapping
from datetime import date

from jobs.collection.allocation import COLLECTED, NETTED, WAIVED
from jobs.explaining.cover import cover_on, cover_steps, member_since
from jobs.explaining.known import MemberFacts
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


def explain(known: MemberFacts) -> dict:
    """The explanation of one plan's period: `charged`, `because`, `due_fen`, `steps`; and `follows`, whether every
    stored value that it names follows from the rules."""
    cover, spell = cover_on(known)
    row, steps = known.assessment, cover_steps(known, cover, spell)
    if row is not None:
        since = member_since(known, spell)
        steps += [*_pool(known), *_share(known), *_due(known, since), *_money(known)]
    follows = all(step.name != DOES_NOT_FOLLOW for step in steps)
    told = steps[-1].says if row is None else _charged(row, follows)
    return {
        "plan_id": known.plan.plan_id,
        "period": known.period,
        "follows": follows,
        "charged": row is not None and row["due_fen"] > 0,
        "cover": cover,
        "because": told["en"],
        "because_zh": told["zh"],
        **_amounts(row),
        "steps": [step.shown() for step in steps],
    }


def _charged(row: Mapping, follows: bool) -> Mapping[str, str]:
    amounts = {name: row[name] for name in ("share_fen", "sponsored_fen", "due_fen")}
    return say("charged" if follows else "charged against the rules", **amounts)


def _amounts(row: Mapping | None) -> dict:
    stored = ("share_fen", "sponsored_fen", "due_fen", "marker", "payer_id")
    return {"due_fen": 0} if row is None else {name: row[name] for name in stored}


def _pool(known: MemberFacts) -> list[Step]:
    stored, expected = known.pool, known.expected_pool
    unlike = lambda name: compared_fen(f"settled/pools, {name}", stored[name], getattr(expected, name))  # noqa: E731
    return [
        Step("claims", _claims(known)),
        *compared("settled/pools, case_count", stored["case_count"], expected.case_count),
        Step("benefits", say("benefits", count=expected.case_count), expected.benefit_fen),
        *unlike("benefit_fen"),
        Step("fee", say("fee", ppm=known.rules.fee_rate_ppm), expected.fee_fen, rule_of(known, "fee_rate")),
        *unlike("fee_fen"),
        Step("brought forward", say("brought forward"), -expected.brought_forward_fen),
        *unlike("brought_forward_fen"),
        Step("per-case cap", say("per-case cap"), -expected.case_sponsored_fen, rule_of(known, "per_case_cap")),
        *unlike("case_sponsored_fen"),
        Step("pool", say("pool"), expected.pool_fen),
        *unlike("pool_fen"),
    ]


def _claims(known: MemberFacts) -> Mapping[str, str]:
    struck: dict[str, int] = {}
    for row in known.benefits:
        if row["marker"]:
            struck[row["marker"]] = struck.get(row["marker"], 0) + 1
    told = ", ".join(f"{count} {marker}" for marker, count in sorted(struck.items()))
    return say("claims marked" if told else "claims", count=known.expected_pool.case_count, markers=told)


def _share(known: MemberFacts) -> list[Step]:
    pool, row, rules, shares = known.pool, known.assessment, known.rules, known.shares
    covered = {rate["tier"]: rate["covered_count"] for rate in known.rates}
    weights = {tier: rules.weights_ppm.get(tier, 0) for tier in covered}
    basis = sum(covered[tier] * weights[tier] for tier in covered)
    tiers = " + ".join(f"{covered[tier]:,} {tier} x {weights[tier]}" for tier in sorted(covered))
    share_fen, weight = shares.share_fen.get(row["tier"], 0), weights.get(row["tier"], 0)
    told = say("share", pool=f"{pool['pool_fen']:,}", weight=weight, basis=f"{basis:,}", rounding=rules.rounding)
    steps = [
        Step("basis", say("basis", tiers=tiers, basis=f"{basis:,}"), rule=rule_of(known, "tier_weights")),
        *compared("settled/pools, covered_count", pool["covered_count"], sum(covered.values())),
        Step("share", told, share_fen, rule_of(known, "rounding")),
        *compared("settled/pools, rounding", pool["rounding"], rules.rounding),
        *_rate(known, row["tier"], share_fen),
    ]
    more_fen = int(_pays_one_fen_more(known))
    if more_fen:
        steps.append(Step("one fen more", say("one fen more"), more_fen, rule_of(known, "rounding")))
    return [
        *steps,
        *compared_fen(f"{ASSESSED}, share_fen", row["share_fen"], share_fen + more_fen),
        Step("carried forward", say("carried forward"), shares.billed_fen - pool["pool_fen"]),
        *compared_fen("settled/pools, billed_fen", pool["billed_fen"], shares.billed_fen),
        *compared_fen(
            "settled/pools, carried_forward_fen", pool["carried_forward_fen"], shares.billed_fen - pool["pool_fen"]
        ),
    ]


def _rate(known: MemberFacts, tier: str, share_fen: int) -> list[Step]:
    """What is stored of the member's tier, compared with the rules; nothing where there is no such tier."""
    return [
        step
        for rate in known.rates
        if rate["tier"] == tier
        for step in (
            *compared("settled/rates, weight_ppm", rate["weight_ppm"], known.rules.weights_ppm.get(tier)),
            *compared_fen("settled/rates, share_fen", rate["share_fen"], share_fen),
        )
    ]


def _pays_one_fen_more(known: MemberFacts) -> bool:
    chosen_count = known.shares.one_fen_more_count
    if chosen_count == 0:
        return False
    assert known.members_before is not None, "one fen more is paid, but the member's place was not looked up"
    return is_chosen(known.members_before, chosen_count)


def _due(known: MemberFacts, since: date | None) -> list[Step]:
    row, rules = known.assessment, known.rules
    headroom_fen = headroom_of(rules.yearly_cap_fen, known.borne_fen)
    # Without a membership nobody is waived for having joined early.
    sponsored_fen, marker = sponsored_part(row["share_fen"], rules, since or known.publicity_on, headroom_fen)
    names = {YEARLY_CAP: "yearly_cap", FUNDED_PERIOD: "funded_periods", FIRST_MONTH_WAIVER: "first_month_waiver"}
    steps = []
    if marker:
        key = "sponsor above cap" if marker == YEARLY_CAP else "sponsor"
        told = say(key, sponsored_fen=sponsored_fen, marker=marker, borne_fen=known.borne_fen)
        steps.append(Step("sponsor", told, -sponsored_fen, rule_of(known, names[marker])))
    due_fen = row["share_fen"] - row["sponsored_fen"]
    return [
        *steps,
        *compared_fen(f"{ASSESSED}, sponsored_fen", row["sponsored_fen"], sponsored_fen),
        *compared(f"{ASSESSED}, marker", row["marker"], marker),
        Step("due", say("due"), due_fen),
        *compared_fen(f"{ASSESSED}, due_fen", row["due_fen"], due_fen),
    ]


def _money(known: MemberFacts) -> list[Step]:
    steps = [*_bill(known), *_collection(known)]
    for lapse in known.lapses:
        steps.append(
            Step("lapse", say("lapse", period=lapse["period"], ended_at=f"{lapse['ended_at']:%Y-%m-%d %H:%M:%S}"))
        )
    return steps


def _bill(known: MemberFacts) -> list[Step]:
    """The bill: his due alone where his payer pays for nobody else, at least his due otherwise."""
    bill, due_fen, place = known.bill, known.assessment["due_fen"], "settled/bills, due_fen"
    if bill is None:
        return at_least_fen(place, 0, due_fen)
    alone = bill["member_count"] == 1
    compared_to_due = compared_fen if alone else at_least_fen
    told = say("bill", others=bill["member_count"] - 1)
    return [Step("bill", told, bill["due_fen"]), *compared_to_due(place, bill["due_fen"], due_fen)]


def _collection(known: MemberFacts) -> list[Step]:
    """What was collected: the whole due where it was met, netted or waived, less where the member is in arrears."""
    row, due_fen, place = known.collection, known.assessment["due_fen"], "settled/collections"
    if row is None:
        return []
    told = {name: row[name] for name in ("status", "collected_on")}
    # What is met of a share in part came on a day, too: the status is not of that day.
    key = "collected on" if told["status"] in (COLLECTED, NETTED) and told["collected_on"] else "collected"
    met = row["status"] in (COLLECTED, NETTED, WAIVED)
    collected_fen = row["collected_fen"]
    return [
        Step("collected", say(key, **told), collected_fen),
        *compared_fen(f"{place}, due_fen", row["due_fen"], due_fen),
        *(
            compared_fen(f"{place}, collected_fen", collected_fen, due_fen)
            if met
            else at_most_fen(f"{place}, collected_fen", collected_fen, due_fen - 1)
        ),
    ]
