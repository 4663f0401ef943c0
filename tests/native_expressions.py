"""Computes expressions of the program on extreme values in both engines of one session; ends with 1 where they differ.

python -m tests.native_expressions FOLDER
"""

import sys
from datetime import date, datetime

from pyspark.sql import SparkSession

from jobs.base.environment import load_environment
from jobs.lake.native import SWITCH, is_native
from jobs.lake.session import open_session

SCHEMA = (
    "id bigint, fen bigint, n int, t tinyint, day date, at timestamp, text string, yes boolean, texts array<string>"
)
MOST, LEAST = 2**63 - 1, -(2**63)
ROWS = [
    (0, 0, 0, 0, date(1970, 1, 1), datetime(1970, 1, 1), "", False, []),
    (1, MOST, 2**31 - 1, 127, date(9999, 12, 31), datetime(9999, 12, 31, 23, 59, 59), "分摊", True, ["a", None]),
    (2, LEAST, -(2**31), -128, date(1, 1, 1), datetime(1900, 1, 1), "a ", True, ["b"]),
    (3, None, None, None, None, None, None, None, None),
    (None, -1, -1, -1, date(1582, 10, 4), datetime(2020, 2, 29), "A", False, ["", "分"]),
    (2**40, 1, 1, 1, date(1582, 10, 15), datetime(2020, 12, 31), "a\x00b", None, ["c"] * 40),
]
SELECTED = (
    "xxhash64(id, fen, n, t, day, text, yes)",
    "xxhash64(text)", "xxhash64(day, id)", "xxhash64(texts)",
    "shiftright(id, 6)", "shiftrightunsigned(xxhash64(id), 32)", "shiftleft(1L, cast(id & 63 as int))", "id & 63",
    "fen & 4294967295", "id % 7", "id div 3", "-cast(t as int)", "cast(n as bigint) * n",
    "cast(day as string)", "cast(at as date)",
    "datediff(day, date'2020-02-29')", "add_months(date'2020-01-31', t % 12)", "date_add(date'2020-01-31', t)",
    "months_between(day, date'2020-01-31')", "year(day)", "month(day)", "dayofmonth(day)", "last_day(day)",
    "greatest(fen, n)", "least(fen, n)", "coalesce(text, 'x')", "text < 'a'", "text = 'a'", "length(text)",
    "upper(text)", "text in ('a', 'A', null)", "case when yes then fen when n > 0 then 1 end", "fen <=> null",
    "concat(text, cast(n as string))", "array_position(array('a', 'A'), text)", "size(texts)", "date'2020-01-01' - day",
    "try_cast(text as bigint)", "trunc(day, 'MM')", "nullif(fen, -1)", "abs(t % 100)", "cast(fen as decimal(38, 0))",
)  # fmt: skip
AGGREGATED = (
    "count(*)", "count(fen)", "bit_xor(xxhash64(id, fen))", "bit_or(id)", "bit_and(id)", "max(day)", "min(day)",
    "max(text)", "min(at)", "sum(xxhash64(id) & 4294967295)", "sum(shiftrightunsigned(xxhash64(fen), 32))",
    "sum(cast(fen as decimal(38, 0)))", "count_if(yes)", "count(distinct text)", "sum(n)", "bool_or(yes)",
    "max(struct(day, id))", "sum(case when n > 0 then 1L end)", "sum(bit_count(id))", "any_value(1)",
)  # fmt: skip
TOGETHER = (
    "select a.id, b.text from t a join t b on a.text = b.text order by a.id",
    "select id, row_number() over (partition by yes order by day, id) as r from t order by id",
    "select id, count(*) over (partition by yes) as c from t order by id",
    "select id, max(day) over (partition by yes order by id rows between unbounded preceding and 1 preceding) as d "
    "from t order by id",
    "select t.id, u.day from t left join t u on t.id = u.fen order by t.id",
    "select id from t except all select n from t order by id",
    "select text, id from t order by text, id desc",
)
STOPPED = (
    "select fen + 1 from t", "select sum(fen + 0) from t where fen > 0", "select -fen from t", "select n * 2 from t",
    "select sum(fen) from (select fen from t union all select fen from t) where fen > 0", "select abs(fen) from t",
    "select cast(fen as int) from t", "select cast(text as bigint) from t", "select id div 0 from t",
    "select id % 0 from t", "select fen * 2 from t", "select -n from t", "select fen - 2 from t where fen < 0",
    "select yes, sum(fen) from (select * from t union all select * from t) where fen > 0 group by yes",
)  # fmt: skip


def main(folder: str) -> int:
    spark = open_session(load_environment(None), "expressions", native=True)
    assert is_native(spark)
    spark.createDataFrame(ROWS, SCHEMA).coalesce(1).write.parquet(f"{folder}/t")
    faults = [fault for statement in statements() if (fault := difference(spark, folder, statement))]
    print("\n".join(faults))
    return 1 if faults else 0


def statements() -> list[str]:
    """One expression a statement: an expression that is not native takes its neighbours with it."""
    return [
        *(f"select id, {expression} as value from t order by id" for expression in SELECTED),
        *(f"select {expression} as value from t" for expression in AGGREGATED),
        *(f"select yes, {expression} as value from t group by yes order by yes" for expression in AGGREGATED),
        *TOGETHER,
        *STOPPED,
    ]


def difference(spark: SparkSession, folder: str, statement: str) -> str | None:
    results = []
    for switch in ("true", "false"):
        spark.conf.set(SWITCH, switch)
        spark.read.parquet(f"{folder}/t").createOrReplaceTempView("t")
        results.append(result(spark, statement))
    native, plain = results
    if native != plain or (statement in STOPPED) != (plain == "stopped"):
        return f"{statement[:200]}\n  native {native}\n  plain  {plain}"
    return None


def result(spark: SparkSession, statement: str) -> str:
    """The rows as text, or that the statement stopped."""
    try:
        return str(spark.sql(statement).collect())
    except Exception as error:  # noqa: BLE001
        return "stopped" if any(word in str(error) for word in ("OVERFLOW", "CAST_INVALID", "BY_ZERO")) else str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
