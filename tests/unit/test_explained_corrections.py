"""What corrections changed, as `explain` shows it: example 1 of a late claim, for one who pays and one who does not.

P: share 98. A late claim makes it 152: 54 more of member 7, posted into Q, where his share is 6.
"""

from jobs.explaining.correction_rows import correction_facts
from jobs.explaining.explanation import explain
from jobs.explaining.facts import CorrectionFacts
from jobs.explaining.steps import DOES_NOT_FOLLOW
from tests.unit.test_explanation import assessed, bill, known, plan  # noqa: F401

P, Q = "2020-12-P1", "2021-01-P1"
MORE = {"period": Q, "origin_period": P, "revision": 1, "member_id": 7, "payer_id": 1, "disposition": "asked",
        "delta_fen": 54, "reason": "share"}  # fmt: skip
POOL = {"period": Q, "origin_period": P, "revision": 1, "reason": "a claim came late"}
VOID = {"period": Q, "origin_period": P, "revision": 1, "member_id": 7, "reason": "nothing_owed", "amount_fen": 0}
NOTHING = {"corrected": [], "void": [], "adjusted": [], "adjustments_collected": [], "reasons": [POOL]}


def facts_of(billed=(), **rows) -> CorrectionFacts:
    return correction_facts({**NOTHING, **rows}, billed)


def steps_of(facts, *names: str) -> list[tuple]:
    return [(s["name"], s["amount_fen"], s["says"]) for s in explain(facts)["steps"] if s["name"] in names]


def test_a_corrected_period_says_where_the_difference_went(plan):  # noqa: F811
    pooled = {**MORE, "disposition": "pooled", "delta_fen": 3}
    facts = known(plan, corrections=facts_of(corrected=[pooled, MORE]))
    explained = explain(facts)
    assert explained["follows"] and explained["due_fen"] == 10, "the stored rows stay"
    assert steps_of(facts, "corrected", "due after corrections") == [
        ("corrected", 54, f"Corrected into {Q}, revision 1 (a claim came late): the share of that period differs; "
                          "asked of payer 1 as an additional due."),
        ("corrected", 3, f"Corrected into {Q}, revision 1 (a claim came late): the share of that period differs; borne "
                         "by all members of the open period, neither asked of the member nor paid to him."),
        ("due after corrections", 67,
         "Due from the member for this period after all corrections; the stored 10 fen do not change."),
    ]  # fmt: skip


def test_what_an_earlier_revision_asked_and_a_later_one_took_back(plan):  # noqa: F811
    less = {**MORE, "revision": 2, "delta_fen": -54}
    facts = known(plan, corrections=facts_of(corrected=[less, MORE]))
    asked, taken_back, due = steps_of(facts, "corrected", "due after corrections")
    assert (asked[1], taken_back[1], due[1]) == (54, -54, 10)
    assert taken_back[2].endswith("taken off what was asked of payer 1 before the bill.")


def test_a_member_without_assessment_is_charged_by_the_correction_only(plan):  # noqa: F811
    facts = known(
        plan, assessment=None, spells=[], corrections=facts_of(corrected=[{**MORE, "reason": "newly_covered"}])
    )
    explained = explain(facts)
    assert explained["because"].startswith("Not charged") and explained["due_fen"] == 0
    assert steps_of(facts, "due after corrections")[0][1] == 54


def test_a_void_lapse_is_named(plan):  # noqa: F811
    (step,) = steps_of(known(plan, corrections=facts_of(void=[VOID])), "reinstated")
    assert step[1] == 0 and step[2].startswith("The lapse for this period is void")


def test_an_adjustment_is_named_with_its_period_and_is_part_of_the_bill(plan):  # noqa: F811
    outcome = {**MORE, "met_fen": 54, "status": "collected"}
    adjusted = facts_of(billed=[MORE], adjusted=[MORE], adjustments_collected=[outcome])
    facts = known(plan, bill={**bill(10), "adjustment_fen": 54}, corrections=adjusted)
    assert explain(facts)["follows"]
    assert [step[:2] for step in steps_of(facts, "adjustment", "adjustment collected", "bill")] == [
        ("bill", 10), ("adjustment", 54), ("adjustment collected", 54), ("bill", 54),
    ]  # fmt: skip
    assert P in steps_of(facts, "adjustment")[0][2] and steps_of(facts, "bill")[1][2].endswith(f"corrections of {P}.")


def test_a_bill_with_another_adjustment_does_not_follow(plan):  # noqa: F811
    adjusted = facts_of(billed=[MORE], adjusted=[MORE])
    facts = known(plan, bill={**bill(10), "adjustment_fen": 53}, corrections=adjusted)
    assert not explain(facts)["follows"]
    assert steps_of(facts, DOES_NOT_FOLLOW)[0][1] == -1
