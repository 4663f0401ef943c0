"""Why a member owes what he owes: every step from the sources to the amount, with the rule behind it.

Pure: a few rows of the published tables in, steps out. The arithmetic is done again by the functions that did it
first, so that a step that does not lead to the stored amount shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from jobs.collection.allocation import COLLECTED, NETTED
from jobs.explaining.words import say, why_not
from jobs.money import PPM, apportion, fee_on
from jobs.rulebook.rules import Plan
from jobs.settlement.assessments import FIRST_MONTH_WAIVER, FUNDED_PERIOD, YEARLY_CAP
from jobs.settlement.coverage import COVERED


@dataclass(frozen=True)
class Step:
    """One step: what is looked at, what was found (by language), and the rule it follows (None: none)."""

    name: str
    says: Mapping[str, str]
    amount_fen: int | None = None
    rule: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Known:
    """What the tables hold of one member in one plan and period.

    `spells`: his rows of source/members; `held`: those in quarantine with `reasons`; `lapsed_on`: local days of
    lapses; `claims_by_marker`: claims of the plan's period, by marker (None: counted); `borne_fen`: his dues of the
    year before. `assessment`, `collection`, `bill`: his rows, or None.
    """

    plan: Plan
    period: str
    publicity_on: date
    spells: list[Mapping]
    held: list[Mapping]
    lapsed_on: list[date]
    pool: Mapping
    rates: list[Mapping]
    claims_by_marker: Mapping[str | None, int]
    borne_fen: int
    helped: bool
    assessment: Mapping | None = None
    collection: Mapping | None = None
    bill: Mapping | None = None
    lapses: list[Mapping] = field(default_factory=list)


def explain(known: Known) -> dict:
    """The explanation of one plan's period: `charged`, `because`, `due_fen`, `steps`."""
    cover, coverage_steps = _coverage(known)
    row = known.assessment
    if row is None:
        return {
            "plan_id": known.plan.plan_id,
            "period": known.period,
            "charged": False,
            "cover": cover,
            "because": coverage_steps[-1].says["en"],
            "because_zh": coverage_steps[-1].says["zh"],
            "due_fen": 0,
            "steps": [_shown(step) for step in coverage_steps],
        }
    steps = [*coverage_steps, *_pool(known), *_share(known), *_due(known), *_money(known)]
    told = say("charged", **{name: row[name] for name in ("share_fen", "sponsored_fen", "due_fen")})
    return {
        "plan_id": known.plan.plan_id,
        "period": known.period,
        "charged": row["due_fen"] > 0,
        "cover": COVERED,
        "because": told["en"],
        "because_zh": told["zh"],
        "share_fen": row["share_fen"],
        "sponsored_fen": row["sponsored_fen"],
        "due_fen": row["due_fen"],
        "marker": row["marker"],
        "payer_id": row["payer_id"],
        "steps": [_shown(step) for step in steps],
    }


def cover_on(known: Known) -> tuple[str, Mapping]:
    """Whether the member is covered at 00:00 of the publicity day, or why not; and the spell that decides."""
    day = known.publicity_on
    held = {row["joined_on"] for row in known.held}
    sound = [spell for spell in known.spells if spell["joined_on"] not in held]
    if not known.spells:
        return "no_membership", {}
    if not sound:
        return "held", {"reasons": ", ".join(sorted({reason for row in known.held for reason in row["reasons"]}))}
    judged = [(_cover(spell, began_on, known.lapsed_on, day), spell) for spell, began_on in _memberships(sound)]
    covered = [spell for cover, spell in judged if cover == COVERED]
    return (COVERED, covered[-1]) if covered else judged[-1]


def _memberships(spells: list[Mapping]) -> list[tuple[Mapping, date]]:
    """The spells in order, each with the day its unbroken membership began: a switch of tier goes on."""
    found: list[tuple[Mapping, date]] = []
    for spell in sorted(spells, key=lambda s: s["joined_on"]):
        goes_on = bool(found) and found[-1][0]["exited_on"] == spell["joined_on"]
        found.append((spell, found[-1][1] if goes_on else spell["joined_on"]))
    return found


def _cover(spell: Mapping, began_on: date, lapsed_on: list[date], day: date) -> str:
    if spell["joined_on"] >= day:
        return "not_yet_joined"
    if spell["exited_on"] is not None and spell["exited_on"] < day:
        return "exited"
    return "lapsed" if any(began_on < lapse <= day for lapse in lapsed_on) else COVERED


def _coverage(known: Known) -> tuple[str, list[Step]]:
    cover, spell = cover_on(known)
    day = known.publicity_on
    if cover == COVERED and known.assessment is None and known.helped:
        rule = _rule(known, "helped_member_shares")
        return "helped", [Step("not charged", why_not("helped", {}), rule=rule)]
    if cover != COVERED:
        lapses = [lapse for lapse in known.lapsed_on if lapse <= day]
        told = {**spell, "lapsed_on": max(lapses, default=None)}
        return cover, [Step("not charged", why_not(cover, told))]
    in_force = {name: spell[name] for name in ("tier", "joined_on", "exited_on")}
    steps = [Step("coverage", say("covered until" if spell["exited_on"] else "covered", day=day, **in_force))]
    if spell["waiting_ends_on"] and spell["waiting_ends_on"] >= day:
        told = say("waiting", ends_on=spell["waiting_ends_on"])
        steps.append(Step("waiting period", told, rule=_rule(known, "waiting_days")))
    return cover, steps


def _pool(known: Known) -> list[Step]:
    pool = known.pool
    struck = {marker: n for marker, n in known.claims_by_marker.items() if n}
    told = ", ".join(f"{n} {marker}" for marker, n in sorted(struck.items(), key=lambda item: str(item[0])) if marker)
    rate_ppm = known.plan.rules["fee_rate"].in_force(known.publicity_on).value
    fee_fen = fee_on(pool["benefit_fen"], rate_ppm)
    return [
        Step("claims", say("claims marked" if told else "claims", count=pool["case_count"], markers=told)),
        Step("benefits", say("benefits", count=pool["case_count"]), pool["benefit_fen"]),
        Step("fee", say("fee", ppm=rate_ppm), fee_fen, _rule(known, "fee_rate")),
        Step("brought forward", say("brought forward"), -pool["brought_forward_fen"]),
        Step("per-case cap", say("per-case cap"), -pool["case_sponsored_fen"],
             _rule(known, "per_case_cap")),
        Step("pool", say("pool"), pool["pool_fen"]),
    ]  # fmt: skip


def _share(known: Known) -> list[Step]:
    pool, row = known.pool, known.assessment
    covered = {rate["tier"]: rate["covered_count"] for rate in known.rates}
    weights = {rate["tier"]: rate["weight_ppm"] for rate in known.rates}
    share_fen = apportion(pool["pool_fen"], covered, weights, pool["rounding"]).share_fen[row["tier"]]
    basis = sum(covered[tier] * weights[tier] for tier in covered)
    tiers = " + ".join(f"{covered[tier]:,} {tier} x {weights[tier]}" for tier in sorted(covered))
    steps = [
        Step("basis", say("basis", tiers=tiers, basis=f"{basis:,}"), rule=_rule(known, "tier_weights")),
        Step("share", say("share", pool=f"{pool['pool_fen']:,}", weight=weights[row["tier"]], basis=f"{basis:,}",
                          rounding=pool["rounding"]), share_fen, _rule(known, "rounding")),
    ]  # fmt: skip
    if row["share_fen"] > share_fen:
        steps.append(Step("one fen more", say("one fen more"), row["share_fen"] - share_fen, _rule(known, "rounding")))
    steps.append(Step("carried forward", say("carried forward"), pool["carried_forward_fen"]))
    return steps


def _due(known: Known) -> list[Step]:
    row, steps = known.assessment, []
    rules = {YEARLY_CAP: "yearly_cap", FUNDED_PERIOD: "funded_periods", FIRST_MONTH_WAIVER: "first_month_waiver"}
    if row["marker"]:
        key = "sponsor above cap" if row["marker"] == YEARLY_CAP else "sponsor"
        told = say(key, sponsored_fen=row["sponsored_fen"], marker=row["marker"], borne_fen=known.borne_fen)
        steps.append(Step("sponsor", told, -row["sponsored_fen"], _rule(known, rules[row["marker"]])))
    return [*steps, Step("due", say("due"), row["due_fen"])]


def _money(known: Known) -> list[Step]:
    steps = []
    if known.bill is not None:
        told = say("bill", others=known.bill["member_count"] - 1)
        steps.append(Step("bill", told, known.bill["due_fen"]))
    if known.collection is not None:
        told = {name: known.collection[name] for name in ("status", "collected_on")}
        # What is met of a share in part came on a day, too: the status is not of that day.
        key = "collected on" if told["status"] in (COLLECTED, NETTED) and told["collected_on"] else "collected"
        steps.append(Step("collected", say(key, **told), known.collection["collected_fen"]))
    for lapse in known.lapses:
        steps.append(Step("lapse", say("lapse", period=lapse["period"], ended_at=lapse["ended_at"])))
    return steps


def _rule(known: Known, name: str) -> dict[str, str]:
    value = known.plan.rules[name].in_force(known.publicity_on)
    unit = known.plan.rules[name].unit
    shown = f"{value.value} ppm of 1 = {value.value * 100 // PPM}%" if name == "fee_rate" else str(value.value)
    return {"name": name, "value": shown, "unit": unit, "from": str(value.from_on), "reference": value.reference}


def _shown(step: Step) -> dict:
    return {
        "name": step.name,
        "says": step.says["en"],
        "says_zh": step.says["zh"],
        "amount_fen": step.amount_fen,
        "rule": step.rule,
    }
