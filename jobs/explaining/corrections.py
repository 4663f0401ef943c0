"""The steps of an explanation that say what corrections changed: of this period, and what was posted into it."""

from collections.abc import Iterable, Mapping

from jobs.explaining.facts import MemberFacts
from jobs.explaining.steps import Step, compared_fen
from jobs.explaining.words import DISPOSITIONS, WHY_CORRECTED, say

# By reason of a reinstatement, its sentence.
REINSTATED = {"paid_in_time": "reinstated paid_in_time", "nothing_owed": "reinstated nothing_owed"}


def corrected_steps(facts: MemberFacts) -> list[Step]:
    """One step per part of the member's differences of this period, and his due after all corrections of it."""
    rows = facts.corrections.corrected
    steps = [Step("corrected", _difference("corrected", row, row["period"]), row["delta_fen"]) for row in rows]
    for row in facts.corrections.void:
        sentence = say(REINSTATED[row["reason"]], period=row["period"], because=row["because"])
        steps.append(Step("reinstated", sentence, row["amount_fen"]))
    if not rows:
        return steps
    stored_fen = 0 if facts.assessment is None else facts.assessment["due_fen"]
    due_fen = stored_fen + sum(row["delta_fen"] for row in rows)
    return [*steps, Step("due after corrections", say("due after corrections", before=f"{stored_fen:,}"), due_fen)]


def adjustment_steps(facts: MemberFacts) -> list[Step]:
    """One step per part of an earlier period's difference that was posted into this one, and its collection."""
    steps = []
    for row in facts.corrections.adjusted:
        steps.append(Step("adjustment", _difference("adjustment", row, row["origin_period"]), row["delta_fen"]))
        key = row["period"], row["origin_period"], row["revision"], row["disposition"]
        outcome = facts.corrections.outcomes.get(key)
        if outcome is not None:
            sentence = say("adjustment collected", status=outcome["status"], origin=row["origin_period"])
            steps.append(Step("adjustment collected", sentence, outcome["met_fen"]))
            steps += compared_fen("settled/adjustment_collections, delta_fen", outcome["delta_fen"], row["delta_fen"])
    return steps


def billed_steps(facts: MemberFacts) -> list[Step]:
    """The adjustments on the payer's bill: the sum of his additional dues and refunds; nothing without any."""
    stored_fen = 0 if facts.bill is None else facts.bill.get("adjustment_fen", 0)
    rows = facts.corrections.billed
    steps = [Step("bill", say("bill adjustments", origins=_origins(rows)), stored_fen)] if rows else []
    return steps + compared_fen("settled/bills, adjustment_fen", stored_fen, sum(row["delta_fen"] for row in rows))


def _difference(key: str, row: Mapping, period: str) -> Mapping[str, str]:
    disposition, is_less = row["disposition"], row["delta_fen"] < 0
    takes_back = (disposition == "asked" and is_less) or (disposition == "refunded" and not is_less)
    return say(
        key,
        period=period,
        revision=row["revision"],
        because=row["because"],
        why=WHY_CORRECTED[row["reason"]],
        how=DISPOSITIONS[f"{disposition}_less" if takes_back else disposition].format(payer=row["payer_id"]),
    )


def _origins(rows: Iterable[Mapping]) -> str:
    return ", ".join(sorted({row["origin_period"] for row in rows}))
