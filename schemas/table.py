"""What a table and a column are: the vocabulary in which the data dictionary is written."""

from dataclasses import dataclass, replace
from functools import cached_property

from pyspark.sql import types as T

SPARK_TYPES = {
    "BIGINT": T.LongType(),
    "INT": T.IntegerType(),
    "TINYINT": T.ByteType(),
    "STRING": T.StringType(),
    "DATE": T.DateType(),
    "TIMESTAMP": T.TimestampType(),
    "BOOLEAN": T.BooleanType(),
    "ARRAY<STRING>": T.ArrayType(T.StringType()),
}


PUBLISHED_KEY = ("period", "plan_id", "run_id")


@dataclass(frozen=True)
class Column:
    """One column: its type, its unit (or the codes it may hold) and its meaning in one line."""

    name: str
    type: str
    unit: str
    meaning: str
    nullable: bool = False

    @property
    def spark_type(self) -> T.DataType:
        return SPARK_TYPES[self.type]


@dataclass(frozen=True)
class Table:
    """One table: what one row is, its key, how its files are partitioned, and its columns in order.

    `looked_up_by`: columns besides the key by which rows are found: every file's range of them is kept.
    `is_planned`: no command writes the table yet.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    partitioned_by: tuple[str, ...]
    columns: tuple[Column, ...]
    looked_up_by: tuple[str, ...] = ()
    is_planned: bool = False

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def is_published(self) -> bool:
        """Whether a row is valid only once its period, plan and run are published."""
        return set(PUBLISHED_KEY) <= set(self.column_names) and not self.name.startswith("control/")

    @cached_property
    def spark_schema(self) -> T.StructType:
        """Every field is nullable in storage: the gate, not the file format, says what may be missing."""
        return T.StructType([T.StructField(column.name, column.spark_type, True) for column in self.columns])

    @cached_property
    def digested_columns(self) -> tuple[Column, ...]:
        """The business columns: what a digest covers. Not the run, no instants, not the partition."""
        return tuple(
            column
            for column in self.columns
            if column.name != "run_id" and not column.name.endswith("_at") and column.name not in self.partitioned_by
        )

    @cached_property
    def statistics_columns(self) -> tuple[str, ...]:
        """The columns of which the log keeps each file's smallest and largest value: by these rows are looked up."""
        return tuple(name for name in (*self.key, *self.looked_up_by) if name not in self.partitioned_by)

    @cached_property
    def amount_columns(self) -> tuple[str, ...]:
        """Columns that hold money, in schema order."""
        return tuple(name for name in self.column_names if name.endswith("_fen"))


def nullable(column: Column) -> Column:
    """The same column where it may be missing."""
    return replace(column, nullable=True)


PERIOD = Column("period", "STRING", "YYYY-MM-Pn", "settlement period")
PLAN_ID = Column("plan_id", "STRING", "code", "plan the row belongs to")
MEMBER_ID = Column("member_id", "BIGINT", "id", "member")
PAYER_ID = Column("payer_id", "BIGINT", "id", "who is charged for the member; need not be a member")
TIER = Column("tier", "STRING", "standard, basic", "tier of the membership")
CLAIM_ID = Column("claim_id", "BIGINT", "id", "claim")
RUN_ID = Column("run_id", "STRING", "id", "run that wrote the row; valid once that run is published")
RULE_VERSION = Column("rule_version", "STRING", "digest", "digest of the plan's rules in force for the row")


def fen(name: str, meaning: str) -> Column:
    """A column of money: whole minor units, never a fraction."""
    return Column(name, "BIGINT", "fen", meaning)


def count(name: str, meaning: str) -> Column:
    """A column that counts things."""
    return Column(name, "BIGINT", "count", meaning)
