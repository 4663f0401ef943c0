"""The per-case cap: the part of one case, benefit and fee, that the platform bears.

How much the members bear of a case: `jobs.money.case_allowance`.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.money import fee_on_case_column
from jobs.spark.by_plan import by_plan, fen


def with_case_sponsorship(
    benefits: DataFrame, allowance_fen: Mapping[str, int | None], fee_ppm: Mapping[str, int]
) -> DataFrame:
    """The benefits with `sponsored_fen`: the part of benefit + fee of one case above the allowance.

    Inputs other than `benefits` are by plan. `allowance_fen`: from `case_allowance`; None: no cap. Source: rule
    `per_case_cap`.
    """
    above_fen = {
        plan_id: _above_allowance_fen(allowed_fen, fee_ppm[plan_id])
        for plan_id, allowed_fen in allowance_fen.items()
        if allowed_fen is not None
    }
    return benefits.withColumn("sponsored_fen", F.when(F.col("counted"), by_plan(above_fen, fen(0))).otherwise(fen(0)))


def _above_allowance_fen(allowance_fen: int, fee_ppm: int) -> Column:
    """`jobs.money.above_allowance` of a row's benefit."""
    case_fen = F.col("benefit_fen") + fee_on_case_column(F.col("benefit_fen"), fee_ppm)
    return F.greatest(case_fen - fen(allowance_fen), fen(0))
