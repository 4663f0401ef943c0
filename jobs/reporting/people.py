"""Members grouped by age, sex, place and length of membership. Ages and months are whole numbers."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.reporting.codes import listed
from jobs.reporting.masking import Traits
from jobs.settlement.ages import age_years
from jobs.settlement.coverage import with_member_since
from jobs.spark.id_filter import filter_of_ids, with_passed
from schemas.codes import EXIT_REASONS

MONTHS = ((0, 5), (6, 11), (12, 23), (24, None))
SPELL = (
    "plan_id", "member_id", "tier", "birth_date", "sex", "province_code", "city_tier", "joined_on", "exited_on",
    "exit_reason",
)  # fmt: skip


def months_between(joined_on: Column, day: Column) -> Column:
    """Whole months from `joined_on` to `day`."""
    calendar_months = (F.year(day) - F.year(joined_on)) * 12 + F.month(day) - F.month(joined_on)
    return calendar_months - (F.dayofmonth(day) < F.dayofmonth(joined_on)).cast("int")


def traits_on(publicity_on: date) -> dict[str, Column]:
    """The columns that a report groups members by: decade of age, sex, place, index of the band of MONTHS.

    The bands stay numbers here, because Spark groups numbers faster; `groups_of` names them.
    """
    day = F.lit(publicity_on)
    age, months = age_years(F.col("birth_date"), day), months_between(F.col("joined_on"), day)
    band = F.lit(len(MONTHS) - 1)
    for number, (_, last) in reversed(list(enumerate(MONTHS[:-1]))):
        band = F.when(months <= last, F.lit(number)).otherwise(band)
    return {"decade": age - age % 10, "sex": F.col("sex"), "place": F.col("province_code"), "band": band}


def counted(spells: DataFrame, by: Mapping[str, Column]) -> Counter:
    """The number of spells by (plan_id, tier, *by)."""
    columns = ["plan_id", "tier", *by]
    rows = spells.select("plan_id", "tier", *(column.alias(name) for name, column in by.items()))
    return Counter({tuple(row[:-1]): row["count"] for row in rows.groupBy(*columns).count().collect()})


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
    months = (day.year - joined_on.year) * 12 + day.month - joined_on.month - (day.day < joined_on.day)
    return next(band_name(first, last) for first, last in MONTHS if last is None or months <= last)


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
