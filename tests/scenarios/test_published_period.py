"""The published period 2020-12-P1 at a scale of 1 to 4,000, generated and settled by commands.

The only test of the share of 4.83 yuan end to end; each step of the arithmetic has its own tests.
"""

import pytest

from tests.lakes import PERIOD, LakeFolder

SCALE, MEMBERS = 4_000, 24_561  # 98,244,000 members / 4,000


@pytest.fixture(scope="module")
def published(spark, tmp_path_factory):
    lake = LakeFolder(spark, tmp_path_factory.mktemp("published") / "lake")
    generated = lake.run("generate", "--published", PERIOD, "--scale", str(SCALE))
    assert generated.exit_code == 0, generated.err
    assert generated.document["in_force"] == MEMBERS
    settled = lake.settle(PERIOD)
    assert settled.exit_code == 0, settled.err
    return lake, settled.document["plans"]


def test_the_share_is_the_published_483_fen(published):
    lake, plans = published
    assert set(plans) == {"critical_illness"}
    (rate,) = lake.rows("settled/rates")
    # fee part 483 x 878,600 / 11,861,100 = 35.78, half up 36
    assert (rate["tier"], rate["covered_count"]) == ("standard", MEMBERS)
    assert (rate["share_fen"], rate["share_aid_fen"], rate["share_fee_fen"]) == (483, 447, 36)


def test_the_pool_is_the_published_one_divided_by_4000(published):
    lake, _ = published
    (pool,) = lake.rows("settled/pools")
    # 898 x 75 yuan + 1,699 x 25 yuan = 109,825 yuan; fee 8% = 8,786 yuan; 11,861,100 fen / 24,561 = 482.92 -> 483
    assert (pool["case_count"], pool["benefit_fen"], pool["fee_fen"]) == (2_597, 10_982_500, 878_600)
    assert (pool["case_sponsored_fen"], pool["brought_forward_fen"], pool["pool_fen"]) == (0, 0, 11_861_100)
    # 24,561 x 483 = 11,862,963, which is 1,863 too much
    assert (pool["billed_fen"], pool["due_fen"], pool["carried_forward_fen"]) == (11_862_963, 11_862_963, 1_863)


def test_every_member_is_charged_the_share_and_every_fen_is_billed(published):
    lake, _ = published
    assessed = lake.spark.read.format("delta").load(str(lake.folder / "settled/assessments"))
    assert assessed.count() == MEMBERS
    assert [tuple(row) for row in assessed.select("share_fen", "sponsored_fen", "due_fen").distinct().collect()] == [
        (483, 0, 483)
    ]
    bills = lake.spark.read.format("delta").load(str(lake.folder / "settled/bills"))
    billed = bills.groupBy().sum("due_fen", "member_count").first()
    assert tuple(billed) == (11_862_963, MEMBERS)
