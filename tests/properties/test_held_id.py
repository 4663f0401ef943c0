"""The id of a held row is the same in Spark and in plain Python, and matches its documentation."""

import hashlib
import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.gate.held_id import held_id_column, held_id_of
from jobs.lake.small import EPOCH, arrow_table
from schemas import TABLES
from schemas.control import SOURCE_OF_HELD
from tests.worlds_rows import claim, member

SOURCES = sorted(SOURCE_OF_HELD.values(), key=lambda table: table.name)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", " ", "null", '"', "\\", "\\u00e9", "a,b", "\x00\b\t\n\x0b\f\r\x1f\x7f", "é", "大病互助", "😀", "\u2028"]
)
VALUES = {
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "TINYINT": st.integers(-128, 127),
    "STRING": TEXTS,
    "DATE": st.dates(),
    "BOOLEAN": st.booleans(),
}


def rows_of(table):
    return st.fixed_dictionaries({column.name: st.none() | VALUES[column.type] for column in table.columns})


@pytest.mark.parametrize("table", SOURCES, ids=lambda table: table.name)
def test_spark_and_python_give_the_same_id(spark, table):
    @settings(max_examples=5)
    @given(rows=st.lists(rows_of(table), min_size=20, max_size=40))
    def compare(rows):
        frame = spark.createDataFrame(arrow_table(table, rows), table.spark_schema).coalesce(1)
        in_spark = [row.held_id for row in frame.select(held_id_column(table).alias("held_id")).collect()]
        assert in_spark == [held_id_of(table, row) for row in rows]

    compare()


def test_a_day_outside_the_range_of_python_counts_as_null(spark):
    table = TABLES["source/members"]
    days = [{**member(1), "birth_date": day} for day in ((date.min - EPOCH).days - 1, (date.max - EPOCH).days + 1)]
    frame = spark.createDataFrame(arrow_table(table, days), table.spark_schema).coalesce(1)
    in_spark = {row.held_id for row in frame.select(held_id_column(table).alias("held_id")).collect()}
    assert in_spark == {held_id_of(table, member(1, birth_date=None))}


def test_the_id_is_the_documented_digest():
    row = claim(7, 3, publicity_period="2020-12-P1", illness_code="é", birth_date=None)
    values = ["7", "critical_illness", "3", "standard", "2020-12-P1", "é", "severe", "false", "2020-10-01", None, "F",
              "41", "2020-11-20", "10000000", "none"]  # fmt: skip
    text = json.dumps(["source/approved_claims", *values], separators=(",", ":"))
    assert "\\u00e9" in text and "null" in text
    assert held_id_of(TABLES["source/approved_claims"], row) == hashlib.sha256(text.encode()).hexdigest()[:16]


@given(data=st.data())
def test_equal_rows_have_the_same_id_and_others_do_not(data):
    table = data.draw(st.sampled_from(SOURCES))
    one, other = data.draw(rows_of(table)), data.draw(rows_of(table))
    assert (held_id_of(table, one) == held_id_of(table, other)) == (one == other)
    assert held_id_of(table, dict(reversed(one.items()))) == held_id_of(table, one)
