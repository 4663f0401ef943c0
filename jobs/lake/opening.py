"""Opens a lake. Spark starts when it is first needed, with settings that fit the lake's size."""

from functools import cache

from pyspark.sql import SparkSession

from jobs.base.environment import Environment
from jobs.lake.lake import Lake
from jobs.lake.session import open_session
from jobs.lake.small import SmallTables

GROWING_TABLES = ("source/members", "source/receipts")


def open_lake(
    environment: Environment, root: str, purpose: str, rows_to_come: int = 0, compiles_well: bool = False
) -> Lake:
    """The lake at a root. `purpose` names Spark's application; `rows_to_come`: of members, into a new lake.

    `compiles_well`: Java compiles well, rather than quickly, also in a session with the native engine. It is for
    commands that make sample rows.
    """
    small = SmallTables(root, environment.storage)
    few_rows = cache(lambda: has_few_rows(small, environment))

    def open_spark() -> SparkSession:
        grows = rows_to_come > environment.few_rows_most
        native = environment.native and not few_rows() and (grows or any(map(small.exists, GROWING_TABLES)))
        name = f"fentan {purpose}"
        return open_session(environment, name, few_rows(), root, native=native, compiles_well=compiles_well)

    return Lake(small, open_spark, few_rows)


def has_few_rows(small: SmallTables, environment: Environment) -> bool:
    """Whether planning and compiling queries on the lake would take longer than running them."""
    counts = [small.row_count(name) for name in GROWING_TABLES if small.exists(name)]
    return bool(counts) and None not in counts and sum(counts) <= environment.few_rows_most
