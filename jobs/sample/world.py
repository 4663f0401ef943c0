"""Writes a sample world: every source table of a lake, at any size; the same seed gives the same rows."""

from datetime import date

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from jobs.base.progress import announce
from jobs.lake.lake import Lake
from jobs.lake.native_writing import is_natively_writable, write_natively
from jobs.lake.small import matching
from jobs.register.publications import published as published_acts
from jobs.register.publications import rows_of
from jobs.rulebook.rules import Platform
from jobs.sample import published
from jobs.sample.claims import publicised
from jobs.sample.defects import with_claim_defects, with_member_defects
from jobs.sample.money import operating_costs, receipts
from jobs.sample.population import Population, World, populations
from jobs.sample.reviews import claim_reviews, field_visits
from jobs.sample.spells import members
from schemas.sources import (
    APPROVED_CLAIMS,
    CLAIM_REVIEWS,
    FIELD_VISITS,
    MEMBERS,
    OPERATING_COSTS,
    RECEIPTS,
    SOURCE_TABLES,
)
from schemas.table import Table

WRITTEN_BY = "generate"
ROWS_PER_PARTITION_OF_CLAIMANTS = 20_000_000

__all__ = ["World", "existing_sources", "write_published", "write_receipts", "write_world"]


def write_world(lake: Lake, platform: Platform, world: World) -> dict[str, int]:
    """Replaces the six source tables; returns the number of rows of each, and `in_force`.

    `in_force`: memberships in force on the last period's publicity day. Raises WrongUsage for a world without members.
    """
    plan_populations = populations(world, platform)
    cases = publicised(lake.spark, plan_populations).coalesce(_partitions(plan_populations))
    member_rows = with_member_defects(members(lake.spark, plan_populations), plan_populations, world.defects_ppm)
    with lake.compiled_by_spark():
        # Computed once: claims are few, and a filter on them would be pushed down with a copy of all their expressions.
        case_rows = cases.localCheckpoint()
        claim_rows = with_claim_defects(case_rows, plan_populations, world.defects_ppm)
        return _write(lake, platform, world, plan_populations, member_rows, case_rows, claim_rows)


def write_published(lake: Lake, platform: Platform, seed: int, scale: int) -> dict[str, int]:
    """Writes the published period 2020-12-P1 of critical illness, members and amounts divided by `scale`."""
    world = published.published_world(platform, seed, scale)
    plan_populations = published.published_populations(world, platform)
    case_rows = published.published_cases(lake.spark, plan_populations[0], scale)
    member_rows = published.published_members(lake.spark, plan_populations[0])
    with lake.compiled_by_spark():
        return _write(lake, platform, world, plan_populations, member_rows, case_rows, case_rows)


def write_receipts(lake: Lake, platform: Platform, period: str, seed: int) -> int:
    """Replaces the receipts of one settled period; returns their number."""
    bills = _published_bills(lake).where(F.col("period") == period)
    rows, where = receipts(bills, platform.calendar, seed), matching(period=period)
    if lake.writes_natively and is_natively_writable(RECEIPTS, [period]):
        files = write_natively(lake.small, RECEIPTS, rows, {"period": [period]}, where, WRITTEN_BY, is_hashed=False)
        return sum(file["rows"] for file in files)
    lake.replace(RECEIPTS, rows, where, WRITTEN_BY)
    return _rows_written(lake, RECEIPTS)


def existing_sources(lake: Lake) -> tuple[str, ...]:
    """The names of the source tables that exist in the lake."""
    return tuple(table.name for table in SOURCE_TABLES if lake.exists(table.name))


def _write(
    lake: Lake,
    platform: Platform,
    world: World,
    plan_populations: tuple[Population, ...],
    members: DataFrame,
    cases: DataFrame,
    claims: DataFrame,
) -> dict[str, int]:
    spark, calendar = lake.spark, platform.calendar
    observation = Observation()
    last_on = calendar.publicity_on(world.last)
    counted = members.observe(observation, F.count_if(_in_force(last_on)).alias("in_force"))
    reviews = claim_reviews(cases, world.seed).coalesce(1)
    tables: tuple[tuple[Table, DataFrame], ...] = (
        (MEMBERS, counted),
        (APPROVED_CLAIMS, claims.coalesce(1)),
        (OPERATING_COSTS, operating_costs(spark, plan_populations, world, calendar).coalesce(1)),
        (CLAIM_REVIEWS, reviews),
        (FIELD_VISITS, field_visits(reviews, world.members, world.seed)),
        (RECEIPTS, receipts(_published_bills(lake), calendar, world.seed)),
    )
    counts = {}
    for table, frame in tables:
        announce(f"writing {table.name}")
        lake.replace(table, frame, where="true", run_id=WRITTEN_BY)
        counts[table.name] = _rows_written(lake, table)
    return {**counts, "in_force": observation.get["in_force"]}


def _partitions(plan_populations: tuple[Population, ...]) -> int:
    return max(2, sum(each.joined_count for each in plan_populations) // ROWS_PER_PARTITION_OF_CLAIMANTS)


def _in_force(day: date):
    return (F.col("joined_on") < F.lit(day)) & (F.col("exited_on").isNull() | (F.col("exited_on") >= F.lit(day)))


def _published_bills(lake: Lake) -> DataFrame:
    """The bills of the settled periods; a new lake has none and gets no receipts."""
    return rows_of(lake, "settled/bills", published_acts(lake.small, "settle").values())


def _rows_written(lake: Lake, table: Table) -> int:
    """The number of rows that the table's newest commit counted."""
    return lake.small.rows_committed(table.name)
