"""Members in groups: by age, sex, place and length of membership. Ages and months are whole numbers."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.reporting.masking import Traits
from jobs.settlement.ages import age_years
from jobs.settlement.coverage import with_member_since
from jobs.spark.id_filter import filter_of_ids, with_passed

MONTHS = ((0, 5), (6, 11), (12, 23), (24, None))
SPELL = (
    "plan_id", "member_id", "tier", "birth_date", "sex", "province_code", "city_tier", "joined_on", "exited_on",
    "exit_reason",
)  # fmt: skip


def months_between(joined_on: Column, day: Column) -> Column:
    """Whole months from the one day to the other."""
    begun = (F.year(day) - F.year(joined_on)) * 12 + F.month(day) - F.month(joined_on)
    return begun - (F.dayofmonth(day) < F.dayofmonth(joined_on)).cast("int")


def traits_on(publicity_on: date) -> dict[str, Column]:
    """What a report groups members by, on a day: decade of age, sex, place, number of the band of MONTHS.

    No words are made here, but in `groups_of`: numbers are grouped more quickly.
    """
    day = F.lit(publicity_on)
    age, months = age_years(F.col("birth_date"), day), months_between(F.col("joined_on"), day)
    band = F.lit(len(MONTHS) - 1)
    for number, (_, last) in reversed(list(enumerate(MONTHS[:-1]))):
        band = F.when(months <= last, F.lit(number)).otherwise(band)
    return {"decade": age - age % 10, "sex": F.col("sex"), "place": F.col("province_code"), "band": band}


def counted(spells: DataFrame, by: Mapping[str, Column]) -> Counter:
    """How many spells, by (plan_id, tier, *by)."""
    columns = ["plan_id", "tier", *by]
    rows = spells.select("plan_id", "tier", *(column.alias(name) for name, column in by.items()))
    return Counter({tuple(row[:-1]): row["count"] for row in rows.groupBy(*columns).count().collect()})


def groups_of(counts: Counter) -> list[dict]:
    """Counts by (plan_id, tier, *traits_on, exit_reason) as rows in the words of reports: age_band, member_months."""
    return [
        {"plan_id": plan_id, "tier": tier, "age_band": age_band(decade), "sex": sex, "place": place,
         "member_months": band_name(*MONTHS[band]), "exit_reason": next(iter(further), None), "count": count}
        for (plan_id, tier, decade, sex, place, band, *further), count in counts.items()
    ]  # fmt: skip


def age_band(decade: int) -> str:
    """The band of ten years, e.g. 30-39."""
    return f"{decade}-{decade + 9}"


def band_name(first: int, last: int | None) -> str:
    """A band of whole months, e.g. 12-23; the last one is open: 24+."""
    return f"{first}+" if last is None else f"{first}-{last}"


def months_band(joined_on: date, day: date) -> str:
    """The band of months of one member."""
    months = (day.year - joined_on.year) * 12 + day.month - joined_on.month - (day.day < joined_on.day)
    return next(band_name(first, last) for first, last in MONTHS if last is None or months <= last)


def crowds(groups: list[dict]) -> dict[str, dict[Traits, int]]:
    """The covered members by plan and traits, the tiers together."""
    by_plan: dict[str, dict[Traits, int]] = {}
    for row in groups:
        traits = Traits(row["age_band"], row["sex"], row["place"], row["member_months"])
        of_plan = by_plan.setdefault(row["plan_id"], {})
        of_plan[traits] = of_plan.get(traits, 0) + row["count"]
    return by_plan


def looked_at(members: DataFrame, ids: DataFrame, since_on: date, publicity_on: date) -> DataFrame:
    """The spells that are looked at one by one: of the `ids` (member_id) or of no id, and those begun or ended since.

    One narrow pass; others may be among them, as the filter of ids lets some through.
    """
    moved = _between("joined_on", since_on, publicity_on) | _between("exited_on", since_on, publicity_on)
    passed = with_passed(members.select(*SPELL), "member_id", filter_of_ids(ids, "member_id"), "wanted")
    wanted = F.col("wanted") | F.col("member_id").isNull() | F.coalesce(moved, F.lit(False))
    return passed.where(wanted).drop("wanted").localCheckpoint()


def movements(spells: DataFrame, since_on: date, publicity_on: date) -> list[dict]:
    """One row per group of memberships begun or ended between two publicity days: the groups, `exit_reason`, `count`.

    `spells`: with every spell that began or ended between. Begun: the first day covered, joined_on + 1, is after
    `since_on` and not after `publicity_on`; `exit_reason` null. Ended likewise, by exited_on. A switch of tier, which
    ends one spell and begins the next on one day, is neither.
    """
    began = _between("joined_on", since_on, publicity_on)
    ended = F.coalesce(_between("exited_on", since_on, publicity_on), F.lit(False))
    moved = with_member_since(spells.where(began | ended)).withColumn("goes_on", _goes_on())
    begun = moved.where((F.col("joined_on") == F.col("member_since")) & began)
    left = moved.where(~F.col("goes_on") & ended)
    by = {**traits_on(publicity_on), "exit_reason": F.col("exit_reason")}
    parts = begun.withColumn("exit_reason", F.lit(None).cast("string")).unionByName(left)
    return groups_of(counted(parts, by))


def _goes_on() -> Column:
    """Whether the member's next spell in the plan opens on the day this one ends: a switch of tier."""
    in_order = Window.partitionBy("plan_id", "member_id").orderBy("joined_on")
    return F.coalesce(F.lead("joined_on").over(in_order) == F.col("exited_on"), F.lit(False))


def _between(column: str, since_on: date, publicity_on: date) -> Column:
    return (F.col(column) >= F.lit(since_on)) & (F.col(column) < F.lit(publicity_on))
