"""The published period 2020-12-P1, a thousandth of it, generated and settled by the commands a user gives."""

import pytest

from tests.lakes import PERIOD, LakeFolder


@pytest.fixture(scope="module")
def published(spark, tmp_path_factory):
    lake = LakeFolder(spark, tmp_path_factory.mktemp("published") / "lake")
    generated = lake.run("generate", "--published", PERIOD, "--scale", "1000")
    assert generated.exit_code == 0, generated.err
    assert generated.document["in_force"] == 98_244
    settled = lake.settle(PERIOD)
    assert settled.exit_code == 0, settled.err
    return lake, settled.document["plans"]


def test_the_share_is_the_published_483_fen(published):
    lake, plans = published
    assert set(plans) == {"critical_illness"}
    (rate,) = lake.rows("settled/rates")
    # 98,244,000 members / 1,000; fee part 483 x 3,514,400 / 47,444,400 = 35.78, half up 36
    assert (rate["tier"], rate["covered_count"]) == ("standard", 98_244)
    assert (rate["share_fen"], rate["share_aid_fen"], rate["share_fee_fen"]) == (483, 447, 36)


def test_the_pool_is_a_thousandth_of_the_published_one(published):
    lake, _ = published
    (pool,) = lake.rows("settled/pools")
    # 898 x 300 yuan + 1,699 x 100 yuan = 439,300 yuan; fee 8% = 35,144 yuan; 47,444,400 fen / 98,244 = 482.92 -> 483
    assert (pool["case_count"], pool["benefit_fen"], pool["fee_fen"]) == (2_597, 43_930_000, 3_514_400)
    assert (pool["case_sponsored_fen"], pool["brought_forward_fen"], pool["pool_fen"]) == (0, 0, 47_444_400)
    # 98,244 x 483 = 47,451,852, which is 7,452 too much
    assert (pool["billed_fen"], pool["due_fen"], pool["carried_forward_fen"]) == (47_451_852, 47_451_852, 7_452)


def test_every_member_is_charged_it_and_every_fen_is_billed(published):
    lake, _ = published
    assessed = lake.spark.read.format("delta").load(str(lake.folder / "settled/assessments"))
    assert assessed.count() == 98_244
    assert [tuple(row) for row in assessed.select("share_fen", "sponsored_fen", "due_fen").distinct().collect()] == [
        (483, 0, 483)
    ]
    bills = lake.spark.read.format("delta").load(str(lake.folder / "settled/bills"))
    billed = bills.groupBy().sum("due_fen", "member_count").first()
    assert tuple(billed) == (47_451_852, 98_244)
