"""The shown lake: two periods of two plans, settled and collected; the first one is closed; all reports are made."""

from datetime import date

from tests.lakes import LakeFolder, claim, member, receipt

FIRST, SECOND = "2020-12-P1", "2020-12-P2"
FREE_TEXT = "field: neighbour Wang of member 7 said so"
PLAN, SENIOR = "critical_illness", "senior_cancer"


def make_shown(lake: LakeFolder) -> LakeFolder:
    """Writes the sources and runs the commands; `lake.ended` holds the results by name.

    Critical illness: of 1 to 41 one leaves (39) and one joins (41) between the periods; 99 has no sex and is held.
    Every fourth is basic and pays half. Payer 1 pays for 2, 3 and 201, the only member of the other plan.
    P1: five cases above 10 fen per standard member, each cut to 10 x (30 + 10/2) = 350. 1,750 over 35 are 50 and 25.
    P2: two cases, 700 over 35 -> 20 and 10. Senior: 10 and 1 of fee -> 11; then nothing.
    P1 is final: 10 and 12 did not pay 50 and 25 in time; the arrears of 5 are set off. P2: 1 and 4 to 20 have paid.
    """
    members = [member(i, tier=tier_of(i), city_tier=1 + i % 6, payer_id=1 if i in (2, 3) else i) for i in range(1, 41)]
    members[38] |= {"exited_on": date(2020, 12, 10), "exit_reason": "left"}
    members += [
        member(41, joined_on=date(2020, 12, 9), waiting_ends_on=date(2021, 3, 9)),
        member(99, sex="X"),
        member(201, SENIOR, payer_id=1),
    ]
    claims = [claim(i, i, tier=tier_of(i), approved_aid_fen=1_000 * i) for i in range(1, 6)]
    claims += [claim(i, i, approved_aid_fen=3_000, publicity_period=SECOND) for i in (6, 7)]
    lake.load(members, [*claims, claim(201, 201, SENIOR, approved_aid_fen=10)])
    lake.write("source/receipts", receipts())
    write_costs(lake)
    lake.ended = {}
    for name, words in {
        "settle": ("settle", "--period", FIRST),
        "settle P2": ("settle", "--period", SECOND),
        "collect": ("collect", "--period", FIRST, "--as-of", "2020-12-30"),
        "close": ("close", "--period", FIRST, "--as-of", "2020-12-30"),
        "collect P2": ("collect", "--period", SECOND, "--as-of", "2020-12-30"),
        "report of P1": ("report", "--period", FIRST),
        "report": ("report", "--period", SECOND),
        "year": ("report", "--year", "2020"),
        "index": ("report",),
    }.items():
        lake.ended[name] = lake.run(*words)
        assert lake.ended[name].exit_code == 0, (name, lake.ended[name].err)
    return lake


def tier_of(member_id: int) -> str:
    return "basic" if member_id % 4 == 0 else "standard"


def receipts() -> list[dict]:
    """Receipts of P1 on the deduction day or too late, and those of P2 so far."""
    due_fen = {"standard": 50, "basic": 25}, {"standard": 20, "basic": 10}
    fen_of = {i: due_fen[0][tier_of(i)] for i in range(4, 41) if i not in (5, 10, 12)}
    first = [receipt(1, 1, 3 * 50 + 11), *(receipt(i, i, fen) for i, fen in fen_of.items() if i != 11)]
    held = [receipt(11, 11, 50 + 7), receipt(12, 12, 25, date(2020, 12, 27)), receipt(99, 424_242, 10)]
    paid = {1: 3 * 20, **{i: due_fen[1][tier_of(i)] for i in range(4, 21)}}
    second = [receipt(1_000 + i, i, fen, date(2020, 12, 28), SECOND) for i, fen in paid.items()]
    return [*first, *held, *second]


def write_costs(lake: LakeFolder) -> None:
    """650 fen of costs in December; two reviews, one a fraud of 70 yuan with an unlisted technique; four visits."""
    costs = [("investigation", 300), ("technology", 200), ("technology", 100), ("staff_and_premises", 50)]
    lake.write("source/operating_costs", [
        {"cost_id": i, "month": "2020-12", "category": kind, "amount_fen": fen, "description": "<b>x</b>"}
        for i, (kind, fen) in enumerate(costs)
    ])  # fmt: skip
    lake.write("source/claim_reviews", [
        {"review_id": i, "claim_id": i, "plan_id": PLAN, "received_on": date(2020, 11, 1),
         "decided_on": day, "decision": decision, "requested_aid_fen": 7_000, "technique": how}
        for i, (day, decision, how) in enumerate(
            [(date(2020, 11, 4), "approved", "field"), (date(2020, 11, 6), "fraud", FREE_TEXT)])
    ])  # fmt: skip
    lake.write("source/field_visits", [
        {"visit_id": i, "claim_id": 1, "investigator_id": 5, "site_kind": kind, "site_id": site,
         "visited_on": date(2020, 11, 2), "fee_fen": 100}
        for i, (kind, site) in enumerate([("hospital", 1), ("hospital", 1), ("hospital", 2), ("insurance_office", 1)])
    ])  # fmt: skip
