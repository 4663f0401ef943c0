"""Members of a period in groups: by age, sex, place and length of membership. Ages and months are whole numbers."""

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.reporting.masking import Traits
from jobs.settlement.coverage import in_force_on, with_member_since

MONTHS = ((0, 5), (6, 11), (12, 23), (24, None))
GROUPED_BY = ("plan_id", "tier", "age_band", "sex", "place", "member_months")


def age_years(birth_date: Column, day: Column) -> Column:
    """Whole years completed on the day."""
    to_come = F.month(day) * 100 + F.dayofmonth(day) < F.month(birth_date) * 100 + F.dayofmonth(birth_date)
    return F.year(day) - F.year(birth_date) - to_come.cast("int")


def age_band(birth_date: Column, day: Column) -> Column:
    """The band of ten years, e.g. 30-39."""
    decade = age_years(birth_date, day) - age_years(birth_date, day) % 10
    return F.concat(decade.cast("string"), F.lit("-"), (decade + 9).cast("string"))


def member_months(joined_on: Column, day: Column) -> Column:
    """How long a member on the day, in bands of whole months, e.g. 12-23; the last one is open: 24+."""
    begun = (F.year(day) - F.year(joined_on)) * 12 + F.month(day) - F.month(joined_on)
    months = begun - (F.dayofmonth(day) < F.dayofmonth(joined_on)).cast("int")
    band = F.lit(band_name(*MONTHS[-1]))
    for first, last in reversed(MONTHS[:-1]):
        band = F.when(months <= last, F.lit(band_name(first, last))).otherwise(band)
    return band


def band_name(first: int, last: int | None) -> str:
    return f"{first}+" if last is None else f"{first}-{last}"


def covered_groups(members: DataFrame, assessments: DataFrame, publicity_on: date) -> list[dict]:
    """One row per group of assessed members: the columns of GROUPED_BY and `count`.

    `members`: source/members as the period was settled from; `assessments`: the period's published ones.
    """
    day = F.lit(publicity_on)
    assessed = assessments.select("plan_id", "member_id")
    spells = members.where(in_force_on(day)).join(assessed, on=["plan_id", "member_id"], how="left_semi")
    return _grouped(spells, day)


def crowds(groups: list[dict]) -> dict[str, dict[Traits, int]]:
    """The covered members by plan and traits, the tiers together."""
    by_plan: dict[str, dict[Traits, int]] = {}
    for row in groups:
        traits = Traits(row["age_band"], row["sex"], row["place"], row["member_months"])
        of_plan = by_plan.setdefault(row["plan_id"], {})
        of_plan[traits] = of_plan.get(traits, 0) + row["count"]
    return by_plan


def movements(members: DataFrame, since_on: date | None, publicity_on: date) -> list[dict]:
    """One row per group of memberships begun or ended between two publicity days: the groups, `exit_reason`, `count`.

    Begun: the first day covered, joined_on + 1, is after `since_on` and not after `publicity_on`; `exit_reason` null.
    Ended likewise, by exited_on. A switch of tier neither begins nor ends a membership. `since_on` None: all.
    """
    day, since = F.lit(publicity_on), F.lit(since_on or date(1900, 1, 1))
    # Only those who moved are put in order: they are few.
    moved = members.where(_between("joined_on", since, day) | _between("exited_on", since, day))
    moved = moved.select("plan_id", "member_id").distinct()
    theirs = members.join(moved, on=["plan_id", "member_id"], how="left_semi")
    spells = with_member_since(theirs).withColumn("goes_on", _goes_on())
    begun = spells.where((F.col("joined_on") == F.col("member_since")) & _between("joined_on", since, day))
    ended = spells.where(~F.col("goes_on") & _between("exited_on", since, day))
    parts = begun.withColumn("exit_reason", F.lit(None).cast("string")), ended
    return _grouped(parts[0].unionByName(parts[1]), day, "exit_reason")


def lapsed_groups(members: DataFrame, lapses: DataFrame, publicity_on: date) -> list[dict]:
    """One row per group of memberships that lapsed: the groups and `count`. `lapses`: published rows of the period."""
    spells = members.where(in_force_on(F.lit(publicity_on)))
    return _grouped(spells.join(lapses, on=["plan_id", "member_id"], how="left_semi"), F.lit(publicity_on))


def _goes_on() -> Column:
    """Whether the member's next spell in the plan opens on the day this one ends: a switch of tier."""
    in_order = Window.partitionBy("plan_id", "member_id").orderBy("joined_on")
    return F.coalesce(F.lead("joined_on").over(in_order) == F.col("exited_on"), F.lit(False))


def _between(column: str, since: Column, day: Column) -> Column:
    return (F.col(column) >= since) & (F.col(column) < day)


def _grouped(spells: DataFrame, day: Column, *further: str) -> list[dict]:
    with_bands = spells.withColumns(
        {
            "age_band": age_band(F.col("birth_date"), day),
            "place": F.col("province_code"),
            "member_months": member_months(F.col("joined_on"), day),
        }
    )
    return [row.asDict() for row in with_bands.groupBy(*GROUPED_BY, *further).count().collect()]
