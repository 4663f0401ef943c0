"""Members grouped by age, sex, place and length of membership. Ages and months are whole numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.reporting.codes import listed
from jobs.reporting.masking import Traits
from jobs.settlement.ages import age_years, months_before
from jobs.settlement.coverage import with_member_since
from jobs.spark.id_filter import filter_of_ids, with_passed
from schemas.codes import EXIT_REASONS
from schemas.report import HIDDEN

MONTHS = ((0, 5), (6, 11), (12, 23), (24, None))
OLDEST = 120  # only a row released by mistake is older; its age is worked out
SPELL = (
    "plan_id", "member_id", "tier", "birth_date", "sex", "province_code", "city_tier", "joined_on", "exited_on",
    "exit_reason",
)  # fmt: skip


def traits_on(publicity_on: date) -> dict[str, Column]:
    """The columns that a report groups members by: decade of age, sex, place, index of the band of MONTHS.

    The bands stay numbers here, because Spark groups numbers faster; `groups_of` names them. Both count the limits
    that a date has passed.
    """
    older = [F.col("birth_date") <= F.lit(months_before(publicity_on, 12 * age)) for age in range(10, OLDEST, 10)]
    age = age_years(F.col("birth_date"), F.lit(publicity_on))
    is_oldest = F.col("birth_date") <= F.lit(months_before(publicity_on, 12 * OLDEST))
    longer = [F.col("joined_on") <= F.lit(limit) for limit in _latest_joining_dates(publicity_on)[1:]]
    sex, place = (F.coalesce(name, F.lit(HIDDEN)) for name in ("sex", "province_code"))  # a released row may lack them
    return {
        "decade": F.when(is_oldest, age - age % 10).otherwise(_number_true(older) * 10),
        "sex": sex,
        "place": place,
        "band": _number_true(longer),
    }


def counted(spells: DataFrame, by: Mapping[str, Column]) -> Counter:
    """The number of spells by (plan_id, tier, *by)."""
    columns = ["plan_id", "tier", *by]
    rows = spells.select("plan_id", "tier", *(column.alias(name) for name, column in by.items()))
    return Counter({tuple(row[:-1]): row["count"] for row in rows.groupBy(*columns).count().collect()})


def counted_by_plan(spells: DataFrame, by: Mapping[str, Column], plan_ids: Iterable[str]) -> Counter:
    """The same for the spells of these plans. Of many rows it is faster: the plan is no key of the groups."""
    of_plans = [
        spells.where(F.col("plan_id") == plan_id)
        .select("tier", *(column.alias(name) for name, column in by.items()))
        .groupBy("tier", *by)
        .count()
        .select(F.lit(plan_id), "*")
        for plan_id in plan_ids
    ]
    return Counter({tuple(row[:-1]): row["count"] for row in reduce(DataFrame.unionAll, of_plans).collect()})


def groups_of(counts: Counter) -> list[dict]:
    """Counts by (plan_id, tier, *traits_on, exit_reason) as rows with the names of reports: age_band, member_months."""
    return [
        {"plan_id": plan_id, "tier": tier, "age_band": age_band(decade), "sex": sex, "place": place,
         "member_months": band_name(*MONTHS[band]), "exit_reason": next(iter(exit_reason), None), "count": count}
        for (plan_id, tier, decade, sex, place, band, *exit_reason), count in counts.items()
    ]  # fmt: skip


def age_band(decade: int) -> str:
    """The band of ten years, e.g. 30-39."""
    return f"{decade}-{decade + 9}"


def band_name(first: int, last: int | None) -> str:
    """A band of whole months, e.g. 12-23; the last band is open: 24+."""
    return f"{first}+" if last is None else f"{first}-{last}"


def months_band(joined_on: date, day: date) -> str:
    """The band of months of one member."""
    longer = [limit for limit in _latest_joining_dates(day)[1:] if joined_on <= limit]
    return band_name(*MONTHS[len(longer)])


def crowds(groups: list[dict]) -> dict[str, dict[Traits, int]]:
    """The covered members by plan and traits, over all tiers. `groups`: as `groups_of` makes them."""
    by_plan: dict[str, dict[Traits, int]] = {}
    for row in groups:
        traits = Traits(row["age_band"], row["sex"], row["place"], row["member_months"])
        counts = by_plan.setdefault(row["plan_id"], {})
        counts[traits] = counts.get(traits, 0) + row["count"]
    return by_plan


def selected_spells(members: DataFrame, ids: DataFrame, since_on: date, publicity_on: date) -> DataFrame:
    """The spells of the members in `ids` (member_id), spells without a member_id, and spells begun or ended since.

    One narrow pass. The result may contain other spells, because the filter of ids has false positives.
    """
    moved = _between("joined_on", since_on, publicity_on) | _between("exited_on", since_on, publicity_on)
    passed = with_passed(members.select(*SPELL), "member_id", filter_of_ids(ids, "member_id"), "wanted")
    wanted = F.col("wanted") | F.col("member_id").isNull() | F.coalesce(moved, F.lit(False))
    return passed.where(wanted).drop("wanted").localCheckpoint()


def movements(spells: DataFrame, since_on: date, publicity_on: date) -> list[dict]:
    """One row per group of memberships that began or ended between two publicity days, as `groups_of` makes them.

    `spells` must contain every spell that began or ended in between. A membership began if its first covered day,
    joined_on + 1, is after `since_on` and not after `publicity_on`; its `exit_reason` is None. It ended if the same
    holds for exited_on + 1. A switch of tier ends one spell and begins the next on the same day: it counts as neither.
    """
    began = _between("joined_on", since_on, publicity_on)
    ended = F.coalesce(_between("exited_on", since_on, publicity_on), F.lit(False))
    moved = with_member_since(spells.where(began | ended)).withColumn("is_switched", _is_switched())
    joined = moved.where((F.col("joined_on") == F.col("member_since")) & began)
    left = moved.where(~F.col("is_switched") & ended)
    by = {**traits_on(publicity_on), "exit_reason": F.col("exit_reason")}
    left = left.withColumn("exit_reason", listed(F.col("exit_reason"), EXIT_REASONS))
    moves = joined.withColumn("exit_reason", F.lit(None).cast("string")).unionByName(left)
    return groups_of(counted(moves, by))


def _is_switched() -> Column:
    """Whether the member's next spell in the plan begins on the day this one ends: a switch of tier."""
    in_order = Window.partitionBy("plan_id", "member_id").orderBy("joined_on")
    return F.coalesce(F.lead("joined_on").over(in_order) == F.col("exited_on"), F.lit(False))


def _between(column: str, since_on: date, publicity_on: date) -> Column:
    return (F.col(column) >= F.lit(since_on)) & (F.col(column) < F.lit(publicity_on))


def _latest_joining_dates(day: date) -> list[date]:
    """For each band of MONTHS, the latest date of joining with which the member is in it, or in a longer one."""
    return [months_before(day, first) for first, _ in MONTHS]


def _number_true(conditions: list[Column]) -> Column:
    return reduce(Column.__add__, (condition.cast("int") for condition in conditions))
