"""The digest of a plan depends only on the rows of its tables."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jobs.lake.small import arrow_table
from jobs.spark.digest import digest_measures, digest_of, digest_of_rows, plan_digest, with_row_hash
from schemas import TABLES

BIGINT = st.integers(-(2**63), 2**63 - 1)
NAMES = st.sampled_from(sorted(TABLES))
TABLE_DIGEST = st.fixed_dictionaries(
    {
        "rows": st.integers(0, 10**9),
        "sums": st.dictionaries(st.sampled_from(("due_fen", "share_fen", "sponsored_fen")), BIGINT),
        "hash": st.fixed_dictionaries({"xor": BIGINT, "low": BIGINT, "high": BIGINT}),
    }
)
TABLES_DIGESTS = st.dictionaries(NAMES, TABLE_DIGEST, min_size=1)


def in_another_order(value, random):
    """The same nested dicts with their keys inserted in another order."""
    if not isinstance(value, dict):
        return value
    keys = list(value)
    random.shuffle(keys)
    return {key: in_another_order(value[key], random) for key in keys}


@given(tables=TABLES_DIGESTS, random=st.randoms(use_true_random=False))
def test_the_order_of_tables_and_columns_does_not_matter(tables, random):
    assert plan_digest(in_another_order(tables, random)) == plan_digest(tables)


@given(tables=TABLES_DIGESTS)
def test_a_digest_stored_as_json_is_the_same(tables):
    assert plan_digest(json.loads(json.dumps(tables))) == plan_digest(tables)


@given(tables=TABLES_DIGESTS, others=TABLES_DIGESTS)
def test_different_tables_have_different_digests(tables, others):
    assume(tables != others)
    assert plan_digest(tables) != plan_digest(others)


@given(tables=TABLES_DIGESTS, data=st.data())
def test_one_row_or_one_fen_more_changes_the_digest(tables, data):
    name = data.draw(st.sampled_from(sorted(tables)))
    one_row_more = {**tables, name: {**tables[name], "rows": tables[name]["rows"] + 1}}
    assert plan_digest(one_row_more) != plan_digest(tables)
    sums = tables[name]["sums"]
    one_fen_more = {**tables, name: {**tables[name], "sums": {**sums, "due_fen": sums.get("due_fen", 0) + 1}}}
    assert plan_digest(one_fen_more) != plan_digest(tables)


TYPED = {
    "BIGINT": BIGINT, "INT": st.integers(-(2**31), 2**31 - 1), "STRING": st.text(max_size=5), "BOOLEAN": st.booleans(),
    "DATE": st.dates(), "TIMESTAMP": st.just(None),
}  # fmt: skip
FEW_ROWS = TABLES["ledger/journal"], TABLES["settled/pools"], TABLES["report/publicity"]


@st.composite
def rows_of(draw, table):
    """Rows of any values, nulls among them."""
    row = st.fixed_dictionaries(
        {
            c.name: st.integers(-(10**12), 10**12) if c.name.endswith("_fen") else st.none() | TYPED[c.type]
            for c in table.columns
        }
    )
    return draw(st.lists(row, max_size=8))


@pytest.mark.parametrize("table", FEW_ROWS, ids=lambda table: table.name)
def test_rows_on_the_driver_have_the_same_digest_as_in_spark(spark, table):
    @settings(max_examples=15, deadline=None)
    @given(rows=rows_of(table))
    def same(rows):
        frame = spark.createDataFrame(arrow_table(table, rows), table.spark_schema)
        by_spark = with_row_hash(frame, table).agg(*digest_measures(table)).first().asDict()
        assert digest_of_rows(rows, table) == digest_of(by_spark, table)

    same()
