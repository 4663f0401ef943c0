"""Writes the rows held back into the quarantine tables, each with all its reasons.

Each period keeps the rows that it held: a run replaces rows of its own period only.
"""

from collections.abc import Iterable, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.dates import date_columns, possible
from expectations.receipts import PERIOD_UNKNOWN
from jobs.gate.claims import ClaimGate
from jobs.gate.held_id import held_id_column
from jobs.gate.members import MembershipGate
from jobs.gate.results import claims_held_count, members_held_count
from jobs.lake.lake import Lake, none_of
from jobs.lake.small import matching
from jobs.register.decisions import deciders, except_released, released_held_in
from jobs.settlement.coverage import COVERED
from jobs.spark.by_plan import by_plan_and_tier, fen
from schemas import TABLES, Table
from schemas.control import SOURCE_OF_HELD

HELD_MEMBERS = TABLES["control/quarantine_members"]
HELD_CLAIMS = TABLES["control/quarantine_claims"]
HELD_RECEIPTS = TABLES["control/quarantine_receipts"]
MOST_PLAUSIBLE_FEN = 10**13  # a larger amount is a mistake and is left out of sums: two could overflow one


def hold_members(
    lake: Lake, gate: MembershipGate, share_fen: Mapping[tuple[str, str], int], scope: str, period: str, run_id: str
) -> None:
    """Replaces the held members of the scope; a row keeps the period in which it was first seen."""
    if not members_held_count(gate) and not lake.exists(HELD_MEMBERS.name):
        return
    at_stake = F.when(
        F.col("cover") == COVERED,
        by_plan_and_tier({plan_and_tier: fen(share) for plan_and_tier, share in share_fen.items()}, fen(0)),
    )
    held = gate.held.withColumn("amount_at_stake_fen", F.coalesce(at_stake, fen(0)))
    _hold(lake, HELD_MEMBERS, held, ["plan_id", "member_id", "joined_on"], scope, period, run_id)


def hold_claims(lake: Lake, gate: ClaimGate, scope: str, period: str, run_id: str) -> None:
    """Replaces the held claims of the scope."""
    if not claims_held_count(gate) and not lake.exists(HELD_CLAIMS.name):
        return
    held = gate.held.withColumn("amount_at_stake_fen", F.coalesce("approved_aid_fen", fen(0)))
    _hold(lake, HELD_CLAIMS, held, ["claim_id", "plan_id", "member_id", "publicity_period"], scope, period, run_id)


def hold_receipts(lake: Lake, unsound: DataFrame, without_share: DataFrame, period: str, run_id: str) -> None:
    """Replaces the held receipts of the period. `unsound`: rows that break a rule; `without_share`: unapplied cash."""
    rows = unsound.unionByName(
        without_share.withColumns({"amount_at_stake_fen": F.col("excess_fen"), "reasons": F.array("reason")}).select(
            *TABLES["source/receipts"].column_names, "reasons", "amount_at_stake_fen"
        )
    )
    held = rows.withColumns(
        {
            "period": F.lit(period),
            "held_in_period": F.lit(period),
            "first_seen_period": F.lit(period),
            "run_id": F.lit(run_id),
            "held_id": held_id_column(SOURCE_OF_HELD[HELD_RECEIPTS.name]),
        }
    )
    held = held.withColumn("released_by", _decided_by(lake, HELD_RECEIPTS))
    if lake.exists(HELD_RECEIPTS.name) or not held.isEmpty():
        where = matching(held_in_period=period, period=period)
        _replace(lake, HELD_RECEIPTS, with_possible_days(held, HELD_RECEIPTS), where, period, run_id)


def hold_receipts_of_no_period(
    lake: Lake, receipts: DataFrame, row_count: int, period_names: Iterable[str], period: str, run_id: str
) -> None:
    """Replaces the held receipts of no known period. Their money is in no books until the period is corrected."""
    scope = none_of("period", period_names)
    if row_count or lake.small.holds_any(HELD_RECEIPTS.name, f"{matching(held_in_period=period)} and {scope}"):
        at_stake = F.coalesce("amount_fen", fen(0))
        held = receipts.withColumns({"reasons": F.array(F.lit(PERIOD_UNKNOWN.id)), "amount_at_stake_fen": at_stake})
        key = ["receipt_id", "period", "payer_id", "attempted_on"]
        _hold(lake, HELD_RECEIPTS, held, key, scope, period, run_id, seen_in=scope)


def hold_costs(lake: Lake, source: Table, held: DataFrame, held_in: str, scope: str, period: str, run_id: str) -> None:
    """Replaces the held rows of a source of costs within the scope (SQL text), in the table `held_in`."""
    if not held.isEmpty() or lake.exists(held_in):
        (amount,) = source.amount_columns
        at_stake = F.coalesce(amount, fen(0))
        rows = held.withColumn("amount_at_stake_fen", at_stake)
        _hold(lake, TABLES[held_in], rows, list(source.key), scope, period, run_id)


def plans_in_scope(plan_ids: Iterable[str], every_plan: Iterable[str], all_plans: bool) -> str:
    """SQL text: rows of these plans and, where all plans are concerned, rows of no known plan."""
    mine = matching(plan_id=list(plan_ids))
    return f"({mine} or {none_of('plan_id', every_plan)})" if all_plans else mine


def claims_in_scope(members_scope: str, period: str, period_names: Iterable[str], all_plans: bool) -> str:
    """SQL text: claims of the period and, where all plans are concerned, claims of no known period."""
    of_period = f"publicity_period = '{period}'"
    if not all_plans:
        return f"({of_period} and {members_scope})"
    in_no_period = none_of("publicity_period", period_names)
    return f"(({of_period} and {members_scope}) or {in_no_period})"


def with_possible_days(rows: DataFrame, table: Table) -> DataFrame:
    """The rows, with null for days that Python cannot hold: their `reasons` name the columns."""
    days = date_columns(table)
    return rows.withColumns({column: possible(column) for column in days}) if days else rows


def _decided_by(lake: Lake, table: Table) -> Column:
    """The person of the last decision on the row of `held_id`; null without a decision."""
    decided = deciders(lake.small, SOURCE_OF_HELD[table.name].name)
    if not decided:
        return F.lit(None).cast("string")
    names = F.create_map(*(F.lit(text) for pair in sorted(decided.items()) for text in pair))
    return F.try_element_at(names, F.col("held_id"))


def _hold(
    lake: Lake,
    table: Table,
    held: DataFrame,
    key: list[str],
    scope: str,
    period: str,
    run_id: str,
    seen_in: str = "true",
) -> None:
    """Replaces the rows of the scope that the period holds; rows outside of it belong to another run.

    `scope`, `seen_in`: SQL text; the rows that are replaced, and the rows, of any period, in which a key may have been
    seen before.
    """
    first_seen = (
        lake.read_or_empty(table.name)
        .where(seen_in)
        .groupBy(*key)
        .agg(F.min("first_seen_period").alias("seen_before"))
        .select(*(F.col(name).alias(f"seen_{name}") for name in key), "seen_before")
    )
    same_row = [F.col(name).eqNullSafe(F.col(f"seen_{name}")) for name in key]
    rows = (
        with_possible_days(held, table)
        .where(scope)
        .join(F.broadcast(first_seen), on=same_row, how="left")
        .withColumns(
            {
                "held_in_period": F.lit(period),
                "first_seen_period": F.coalesce("seen_before", F.lit(period)),
                "run_id": F.lit(run_id),
                "held_id": held_id_column(SOURCE_OF_HELD[table.name]),
            }
        )
        .withColumn("released_by", _decided_by(lake, table))
    )
    _replace(lake, table, rows, f"{matching(held_in_period=period)} and {scope}", period, run_id)


def _replace(lake: Lake, table: Table, rows: DataFrame, where: str, period: str, run_id: str) -> None:
    """Replaces the period's rows that satisfy `where` (SQL text); released ones stay."""
    released = released_held_in(lake.small, SOURCE_OF_HELD[table.name], period)
    if released:
        rows = rows.where(~F.col("held_id").isin(*sorted(released)))
    lake.replace(table, rows, except_released(where, released), run_id)
