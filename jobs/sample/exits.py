"""Ends of ordinary memberships, by the survival of the plan's profile."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.sample.columns import big, bits, interpolate, interpolate_value, pick, scaled, spread
from jobs.sample.people import EXIT, REASON
from jobs.sample.population import Population

REASONS = spread({"left": 11, "arrears": 4, "ineligible": 1}, 1 << REASON[1])


def with_exit(members: DataFrame, population: Population) -> DataFrame:
    """Adds `exit_day` and `left_for`: of S(joining day) members present at joining, S(day) remain on a later day.

    A number drawn evenly below S(joining day) is the survival at which the member leaves: exits are memoryless.
    """
    remaining_at_last = interpolate_value(population.last_day, population.survival)
    remaining = interpolate(F.col("joined_day"), population.survival)
    drawn = members.withColumn("leaves_at", scaled(bits("draw", *EXIT), EXIT[1], remaining))
    by_survival = [(remaining_ppm, day) for day, remaining_ppm in reversed(population.survival)]
    day = F.greatest(interpolate(F.col("leaves_at"), by_survival), F.col("joined_day") + 1)
    return drawn.withColumns(
        {
            "exit_day": F.when(F.col("leaves_at") >= remaining_at_last, F.least(day, big(population.last_day))),
            "left_for": pick(bits("draw", *REASON), REASONS, "string"),
        }
    )
