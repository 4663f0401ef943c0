"""A sample world: calibrated, with valid references, and the same for a seed however it is partitioned."""

from datetime import date

import pytest
from pyspark.sql import functions as F

from jobs.money import fee_on
from jobs.sample import claimants, published, spells
from jobs.sample.claims import approved_claims, publicised
from jobs.sample.columns import day_number, interpolate, interpolate_value, spread
from jobs.sample.money import operating_costs, receipts
from jobs.sample.population import World, populations
from jobs.sample.reviews import claim_reviews, field_visits
from schemas.sources import APPROVED_CLAIMS, CLAIM_REVIEWS, FIELD_VISITS, MEMBERS, OPERATING_COSTS, RECEIPTS

MEMBERS_COUNT, LARGE_COUNT = 200_000, 8_000_000
LAST_ON = date(2020, 12, 7)


@pytest.fixture(scope="module")
def world(xianghubao):
    period = xianghubao.calendar.period
    return World(MEMBERS_COUNT, period("2019-01-P2"), period("2020-12-P1"), seed=7)


@pytest.fixture(scope="module")
def sample_plans(world, xianghubao):
    return populations(world, xianghubao)


@pytest.fixture(scope="module")
def large(xianghubao):
    """A world with enough cases to count: eight million members, of whom only the cases are generated."""
    period = xianghubao.calendar.period
    return populations(World(LARGE_COUNT, period("2020-01-P1"), period("2020-12-P1"), seed=7), xianghubao)


@pytest.fixture(scope="module")
def large_cases(spark, large):
    columns = ("claim_id", "sex", "illness_code", "objection", "publicity_period", "approved_aid_fen")
    frame = publicised(spark, large).select(*columns).localCheckpoint()
    yield frame
    frame.unpersist()


@pytest.fixture(scope="module")
def members(spark, sample_plans):
    frame = spells.members(spark, sample_plans).localCheckpoint()
    yield frame
    frame.unpersist()


@pytest.fixture(scope="module")
def claims(spark, sample_plans):
    frame = approved_claims(spark, sample_plans).localCheckpoint()
    yield frame
    frame.unpersist()


def in_force_on(day: date):
    return F.expr(f"joined_on < DATE'{day}' and (exited_on is null or exited_on >= DATE'{day}')")


def in_plan(plan_id: str):
    return F.col("plan_id") == plan_id


def share_of(frame, condition) -> float:
    return frame.agg(F.avg(condition.cast("int"))).first()[0]


def drawn(share: float, count: int, deviations: float = 4):
    """The share, within some standard deviations of a sample of `count`."""
    return pytest.approx(share, abs=deviations * (share * (1 - share) / count) ** 0.5)


def schema_of(frame) -> list[tuple]:
    return [(field.name, field.dataType) for field in frame.schema]


def digest(frame) -> tuple:
    """Row count and two sums over the halves of the row hashes; independent of the order."""
    hashed = frame.select(F.xxhash64(*frame.columns).alias("h"))
    low, high = F.sum(F.expr("h & 4294967295")), F.sum(F.expr("shiftrightunsigned(h, 32)"))
    return tuple(hashed.agg(F.count(F.lit(1)), low, high).first())


def test_interpolation_is_the_same_for_a_column_and_a_number(spark):
    knots = ((0, 100), (7, 90), (20, 400))
    rows = spark.range(0, 30).select("id", interpolate(F.col("id"), knots).alias("y")).collect()
    assert [row.y for row in rows if row.id != 29][:8] == [100, 99, 98, 96, 95, 93, 92, 90]
    assert rows[-1].y == 400 and interpolate_value(29, knots) == 400


def test_a_look_up_table_has_each_value_in_proportion_to_its_weight():
    table = spread({"a": 1, "b": 1, "c": 1}, 1024)
    assert len(table) == 1024 and sorted(table.count(key) for key in "abc") == [341, 341, 342]


def test_tables_have_exactly_the_columns_of_the_data_dictionary(
    spark, sample_plans, world, xianghubao, members, claims
):
    calendar = xianghubao.calendar
    reviews = claim_reviews(publicised(spark, sample_plans), world.seed)
    bills = spark.createDataFrame(
        [("2020-12-P1", "critical_illness", 1, 1, 483)],
        "period string, plan_id string, payer_id long, member_count long, due_fen long",
    )
    made = {
        MEMBERS: members,
        APPROVED_CLAIMS: claims,
        CLAIM_REVIEWS: reviews,
        FIELD_VISITS: field_visits(reviews, world.members, world.seed),
        OPERATING_COSTS: operating_costs(spark, sample_plans, world, calendar),
        RECEIPTS: receipts(bills, calendar, world.seed),
    }
    for table, frame in made.items():
        assert schema_of(frame) == schema_of(spark.createDataFrame([], table.spark_schema)), table.name


def test_the_head_counts_follow_the_published_history(members):
    plan = members.where(in_plan("critical_illness"))
    days = {
        "end of 2018": date(2018, 12, 31),
        "2019-06-P2": date(2019, 6, 21),
        "2020-08": date(2020, 8, 21),
        "last": LAST_ON,
    }
    heads = plan.agg(*[F.count_if(in_force_on(day)).alias(name) for name, day in days.items()]).first()
    assert heads["last"] == pytest.approx(MEMBERS_COUNT * 98_244 / 103_322, rel=0.01)
    assert heads["end of 2018"] / heads["last"] == pytest.approx(20.0 / 98.244, rel=0.03)
    assert heads["2019-06-P2"] / heads["last"] == pytest.approx(72.0 / 98.244, rel=0.03)
    assert heads["2020-08"] / heads["last"] == pytest.approx(100.0 / 98.244, rel=0.03)
    senior = members.where(in_plan("senior_cancer") & in_force_on(LAST_ON)).count()
    assert senior / MEMBERS_COUNT == pytest.approx(4_035 / 103_322, rel=0.03)


def test_members_have_the_published_ages_and_provinces(members):
    covered = members.where(in_force_on(LAST_ON))
    plan = covered.where(in_plan("critical_illness"))
    mean_age = plan.agg(F.avg(F.datediff(F.lit(LAST_ON), "birth_date")) / 365.25).first()[0]
    assert mean_age == pytest.approx(34.4, abs=0.3)
    assert share_of(plan, F.year("birth_date").between(1980, 1989)) == pytest.approx(0.48, abs=0.015)
    assert share_of(plan, F.year("birth_date").between(1990, 1999)) == pytest.approx(0.31, abs=0.02)
    assert share_of(covered, F.col("city_tier") >= 3) == pytest.approx(0.60, abs=0.01)
    provinces = covered.groupBy("province_code").count().orderBy(F.desc("count")).limit(5).collect()
    assert [row.province_code for row in provinces] == ["41", "37", "44", "32", "42"]


def test_members_join_and_stay_within_the_ages_of_their_plan(members):
    ages = "floor(months_between(joined_on, birth_date) / 12)"
    joined = members.where("waiting_ends_on = date_add(joined_on, 90)")  # the others changed their tier on that day
    senior = joined.where(in_plan("senior_cancer"))
    assert senior.where(f"{ages} not between 60 and 70").count() == 0
    others = members.where(~in_plan("senior_cancer"))
    assert others.where(f"{ages} > 59 or joined_on < birth_date + interval 30 days").count() == 0
    assert others.where("coalesce(exited_on, DATE'2020-12-20') > add_months(birth_date, 720)").count() == 0
    assert others.where("exit_reason = 'age'").count() > 0


def test_members_pay_for_a_quarter_and_children_pay_for_parents(members):
    covered = members.where(in_force_on(LAST_ON))
    assert share_of(covered, F.col("payer_id") != F.col("member_id")) == pytest.approx(0.25, abs=0.02)
    known = members.select(F.col("member_id").alias("payer_id")).distinct()
    assert members.join(known, on="payer_id", how="left_anti").count() == 0
    payers = members.where(in_plan("critical_illness")).select(F.col("member_id").alias("payer_id")).distinct()
    parents = members.where(in_plan("senior_cancer"))
    assert parents.join(payers, on="payer_id", how="left_semi").count() / parents.count() == pytest.approx(
        0.5, abs=0.02
    )
    pays_for_himself = members.where("payer_id = member_id").select("payer_id").distinct()
    assert members.join(pays_for_himself, on="payer_id", how="left_anti").count() == 0


def test_spells_are_unique_and_do_not_overlap(members):
    assert members.groupBy("plan_id", "member_id", "joined_on").count().where("count > 1").count() == 0
    later = members.select("plan_id", "member_id", F.col("joined_on").alias("later_on"))
    pairs = members.join(later, on=["plan_id", "member_id"], how="inner").where("later_on > joined_on")
    assert pairs.count() / MEMBERS_COUNT == pytest.approx(0.014, abs=0.005)
    assert pairs.where("exited_on is null or later_on < exited_on").count() == 0
    assert members.where("exited_on <= joined_on").count() == 0
    assert members.where("(exited_on is null) <> (exit_reason is null)").count() == 0


def test_waiting_continues_over_a_switch_and_starts_again_after_a_break(members):
    first = members.select(
        "plan_id", "member_id", F.col("exited_on").alias("joined_on"), F.col("tier").alias("from_tier"),
        F.col("waiting_ends_on").alias("carried_on"),
    )  # fmt: skip
    switched = members.join(first, on=["plan_id", "member_id", "joined_on"], how="inner")
    assert switched.count() > 100
    assert switched.where("tier = from_tier or waiting_ends_on <> carried_on").count() == 0
    others = members.join(first, on=["plan_id", "member_id", "joined_on"], how="left_anti")
    assert others.where("waiting_ends_on <> date_add(joined_on, 90)").count() == 0
    assert members.where("tier = 'basic' and joined_on < DATE'2020-05-01'").count() == 0
    joined_since = members.where("joined_on >= DATE'2020-05-01'")
    assert 0.08 < share_of(joined_since, F.col("tier") == "basic") < 0.25


@pytest.mark.slow
def test_cases_have_the_published_frequency_and_cost(large_cases):
    cases = large_cases.where("objection <> 'pending'")
    periods = 23
    mean_heads = LARGE_COUNT * 99 / 98.2
    # 68,675 cases of 103.3 x 99 / 98.2 = 104.1 million; of 5,000, one standard deviation is 1.4%
    assert cases.count() * 24 / periods / mean_heads == pytest.approx(68_675 / 104_100_000, rel=0.05)
    mean_fen = cases.agg(F.avg("approved_aid_fen")).first()[0]
    assert mean_fen == pytest.approx(14_400_000, rel=0.05)


@pytest.mark.slow
def test_illnesses_have_the_published_order_of_frequency(large_cases):
    counts = large_cases.groupBy("sex", "illness_code").count().collect()
    by_sex = {sex: sorted((-row["count"], row.illness_code) for row in counts if row.sex == sex) for sex in "FM"}
    assert [code for _, code in by_sex["F"]][:3] == ["breast_cancer", "lung_cancer", "thyroid_cancer"]
    assert [code for _, code in by_sex["M"]][:3] == ["lung_cancer", "acute_myocardial_infarction", "bowel_cancer"]


def test_every_claimant_is_covered_on_the_day_of_diagnosis_and_the_rows_agree(claims, members):
    spells_of = members.drop("birth_date", "sex", "province_code", "tier")
    same = ["plan_id", "member_id", "birth_date", "sex", "province_code", "tier"]
    agreeing = claims.join(members.select(*same, "joined_on", "exited_on"), on=same, how="inner")
    covered = agreeing.where("joined_on < diagnosed_on and (exited_on is null or exited_on >= diagnosed_on)")
    assert covered.count() == claims.count() > 0
    assert claims.where("not birth_date < diagnosed_on or not diagnosed_on < approved_on").count() == 0
    assert claims.groupBy("claim_id", "publicity_period").count().where("count > 1").count() == 0
    assert claims.groupBy("member_id").agg(F.countDistinct("claim_id").alias("n")).where("n > 1").count() == 0
    aided = claims.where("objection = 'none'").join(spells_of, on=["plan_id", "member_id"], how="left")
    assert share_of(aided, F.coalesce(F.col("exit_reason") == "aided", F.lit(False))) > 0.8


@pytest.fixture(scope="module")
def drawn_claimants(spark, large):
    """Number of members drawn for a case, by (claims, in waiting, objection); not all are covered on its day."""
    (plan,) = [each for each in large if each.plan.plan_id == "critical_illness"]
    could = claimants.claimants(spark, plan, plan.claim_places)
    rows = could.groupBy("claims", "in_waiting", "objection").count().collect()
    return {(row.claims, row.in_waiting, row.objection): row["count"] for row in rows}


@pytest.mark.slow
def test_few_cases_fall_into_the_waiting_period(drawn_claimants):
    cases = {key: count for key, count in drawn_claimants.items() if key[0]}
    in_waiting = sum(count for (_, waiting, _), count in cases.items() if waiting)
    assert 0.002 < in_waiting / sum(cases.values()) < 0.05


@pytest.mark.slow
def test_objections_occur_at_their_rates(drawn_claimants):
    """Objections are drawn independently of the case: the rates are those of all drawn members."""
    count = sum(drawn_claimants.values())
    for objection, parts in {"pending": 5, "upheld": 2, "dismissed": 3}.items():
        objected = sum(members for (_, _, state), members in drawn_claimants.items() if state == objection)
        assert objected / count == drawn(parts / 1024, count), objection


@pytest.mark.slow
def test_a_pending_claim_is_publicised_again_in_one_of_the_next_two_periods(large_cases, xianghubao):
    period = xianghubao.calendar.period
    rows = large_cases.select("claim_id", "objection", "publicity_period").collect()
    pending = {row.claim_id: row.publicity_period for row in rows if row.objection == "pending"}
    clean = {row.claim_id: row.publicity_period for row in rows if row.objection == "none" and row.claim_id in pending}
    assert len(pending) > 10 and len(clean) >= len(pending) * 2 // 3
    names = [str(each) for each in xianghubao.calendar.between(period("2020-01-P1"), period("2020-12-P1"))]
    assert {names.index(clean[claim]) - names.index(pending[claim]) for claim in clean} <= {1, 2}
    never = pending.keys() - clean.keys()
    assert all(names.index(pending[claim]) >= len(names) - 2 for claim in never)


def test_the_rows_do_not_depend_on_the_partitioning(spark, sample_plans, members, claims, monkeypatch):
    monkeypatch.setattr(spells, "ROWS_PER_FILE", 5_000)
    monkeypatch.setattr(spells, "SMALL_WORLD_ROWS", 0)
    otherwise_cut = spells.members(spark, sample_plans)
    assert (
        otherwise_cut.rdd.getNumPartitions() > 4 * members.rdd.getNumPartitions() or members.rdd.getNumPartitions() > 4
    )
    assert digest(otherwise_cut) == digest(members)
    assert digest(approved_claims(spark, sample_plans).repartition(5)) == digest(claims)


def test_another_seed_gives_other_members(spark, world, xianghubao, members):
    other = populations(World(world.members, world.first, world.last, seed=8), xianghubao)
    assert digest(spells.members(spark, other)) != digest(members)


def test_plans_that_have_not_begun_have_no_members(xianghubao):
    period = xianghubao.calendar.period
    early = populations(World(10_000, period("2019-02-P1"), period("2019-04-P2"), seed=1), xianghubao)
    assert [each.plan.plan_id for each in early] == ["critical_illness"]
    requested = populations(
        World(10_000, period("2020-02-P1"), period("2020-12-P1"), 1, plans=("senior_cancer",)), xianghubao
    )
    assert [(each.plan.plan_id, each.in_force_count) for each in requested] == [("senior_cancer", 10_000)]


def test_a_plan_of_another_platform_has_members_and_claims(spark):
    from jobs.rulebook import load_platform

    platform = load_platform("meituan_huzhu")
    period = platform.calendar.period
    other = populations(World(100_000, period("2020-01-P1"), period("2020-06-P3"), seed=1), platform)
    assert {row.plan_id for row in publicised(spark, other).select("plan_id").distinct().collect()} == {"major_illness"}
    assert len(other[0].claim_periods) == 18


def test_costs_are_split_as_published(spark, sample_plans, world, xianghubao):
    rows = operating_costs(spark, sample_plans, world, xianghubao.calendar).where("month like '2020%'").collect()
    total = sum(row.amount_fen for row in rows)
    of = {kind: sum(row.amount_fen for row in rows if row.category == kind) for kind in {r.category for r in rows}}
    visits = field_visits(claim_reviews(publicised(spark, sample_plans), world.seed), world.members, world.seed)
    of["investigation"] += visits.where("year(visited_on) = 2020").selectExpr("sum(fee_fen) as fen").first().fen
    total += visits.where("year(visited_on) = 2020").selectExpr("sum(fee_fen) as fen").first().fen
    assert of["investigation"] / total > 0.40 and of["technology"] / total == pytest.approx(0.38, abs=0.03)
    assert total / MEMBERS_COUNT * 103_321_600 == pytest.approx(72_900_000_000, rel=0.10)


def test_994_of_1000_payers_pay_some_at_the_second_attempt(spark, xianghubao):
    bills = spark.range(1, 20_001).selectExpr("'2020-12-P1' as period", "id as payer_id", "id % 2 * 483 as due_fen")
    rows = receipts(bills, xianghubao.calendar, seed=1)
    assert rows.select("payer_id").distinct().count() == 10_000  # nothing is deducted where nothing is due
    assert rows.select("receipt_id").distinct().count() == rows.count()
    paid = rows.where("outcome = 'collected'")
    assert paid.agg(F.sum("amount_fen")).first()[0] / (10_000 * 483) == pytest.approx(0.994, abs=0.003)
    days = {row.attempted_on for row in rows.select("attempted_on").distinct().collect()}
    assert days == {date(2020, 12, 14), date(2020, 12, 18)}
    assert rows.where("outcome = 'failed' and amount_fen <> 0").count() == 0


def test_the_published_period_gives_the_same_share_at_every_scale(xianghubao):
    rules = xianghubao.plans["critical_illness"].sharing_on(LAST_ON)
    for scale in (1, 1_000, 4_000):
        covered = 98_244_000 // scale
        benefit_fen = sum(count * (aid_fen // scale) for count, aid_fen, _ in published.CASES)
        pool_fen = benefit_fen + fee_on(benefit_fen, rules.fee_rate_ppm)
        assert 482 * covered < pool_fen <= 483 * covered
        assert max(aid * 108 // 100 for _, aid, _ in published.CASES) // scale < rules.per_case_cap_fen * covered
    assert pool_fen * 4_000 == 47_444_400_000


def test_the_published_period_has_the_exact_numbers_of_members_and_claims(spark, xianghubao):
    world = published.published_world(xianghubao, seed=1, scale=4_000)
    (plan,) = published.published_populations(world, xianghubao)
    members = published.published_members(spark, plan).localCheckpoint()
    assert members.where(in_force_on(LAST_ON)).count() == members.count() == 24_561
    assert members.select("member_id").distinct().count() == 24_561
    cases = published.published_cases(spark, plan, 4_000)
    assert cases.agg(F.sum("approved_aid_fen")).first()[0] == 43_930_000_000 // 4_000
    held = cases.join(members, on=["member_id", "birth_date", "sex", "province_code"], how="inner")
    assert held.where("waiting_ends_on < diagnosed_on and exit_reason = 'aided'").count() == cases.count() == 2_597
    age = "floor(months_between(diagnosed_on, cases.birth_date) / 12)"
    wrong = cases.alias("cases").where(f"({age} < 40) <> (approved_aid_fen = 7500) or {age} not between 25 and 59")
    assert wrong.count() == 0


def test_day_numbers_are_those_of_spark(spark):
    assert spark.sql("select unix_date(DATE'2020-12-07')").first()[0] == day_number(LAST_ON)
