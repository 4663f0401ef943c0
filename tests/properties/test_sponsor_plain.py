"""The sponsored part of a share in plain Python equals that of Spark, for every combination of rules."""

from datetime import date, timedelta
from itertools import product

from jobs.money import Apportionment
from jobs.rulebook.rules import SharingRules
from jobs.settlement.assessments import assessments, sponsored_part
from jobs.settlement.pool import Pool
from jobs.settlement.shares import Sharing
from jobs.settlement.yearly_cap import headroom_from_assessments, headroom_of

JOINED_BY = date(2018, 12, 31)
DAYS = [JOINED_BY + timedelta(days=n) for n in (-1, 0, 1)]
SHARES_FEN = {"free": 0, "one": 1, "ten": 10}
CAP_FEN, BORNE_FEN = 100, (0, 89, 90, 91, 99, 100, 101)


def rules(funded: bool, waiver_joined_by: date | None) -> SharingRules:
    weights = dict.fromkeys(SHARES_FEN, 1)
    return SharingRules(0, "ceil_fen", weights, None, CAP_FEN, waiver_joined_by, funded, True, 1)


PLANS = {
    f"{'funded' if funded else 'shared'}, {'waived' if by else 'none waived'}": rules(funded, by)
    for funded, by in product((False, True), (None, JOINED_BY))
}


def test_the_plain_sponsored_part_equals_that_of_spark(spark):
    members = {
        n: (plan_id, tier, since, borne_fen, is_capped)
        for n, (plan_id, tier, since, borne_fen, is_capped) in enumerate(
            product(PLANS, SHARES_FEN, DAYS, BORNE_FEN, (False, True))
        )
    }
    columns = "plan_id string, member_id bigint, payer_id bigint, tier string, member_since date"
    of = lambda capped: spark.createDataFrame(  # noqa: E731
        [(m[0], n, n, m[1], m[2]) for n, m in members.items() if m[4] == capped], columns
    )
    earlier = spark.createDataFrame([(m[0], n, m[3]) for n, m in members.items()],
                                    "plan_id string, member_id bigint, due_fen bigint")  # fmt: skip
    with_headroom = headroom_from_assessments(of(True), {"all": earlier}, dict.fromkeys(PLANS, CAP_FEN))
    covered = with_headroom.unionByName(of(False), allowMissingColumns=True)
    shares = Apportionment(SHARES_FEN, SHARES_FEN, 0)
    sharing = {p: Sharing(Pool(0, 0, 0, 0, 0), {}, PLANS[p].weights_ppm, "ceil_fen", shares) for p in PLANS}
    by_spark = {
        row.member_id: (row.sponsored_fen, row.marker) for row in assessments(covered, sharing, PLANS, {}).collect()
    }
    assert by_spark == {
        n: sponsored_part(SHARES_FEN[tier], PLANS[plan_id], since, headroom_of(CAP_FEN if capped else None, borne_fen))
        for n, (plan_id, tier, since, borne_fen, capped) in members.items()
    }
    assert {marker for _, marker in by_spark.values()} == {None, "funded_period", "first_month_waiver", "yearly_cap"}
