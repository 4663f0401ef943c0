"""The digest of a plan depends on what its tables hold and on nothing else."""

import json

from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.spark.digest import plan_digest
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
    """The same nested dicts, with their keys put in in another order."""
    if not isinstance(value, dict):
        return value
    keys = list(value)
    random.shuffle(keys)
    return {key: in_another_order(value[key], random) for key in keys}


@given(tables=TABLES_DIGESTS, random=st.randoms(use_true_random=False))
def test_the_order_of_tables_and_columns_does_not_matter(tables, random):
    assert plan_digest(in_another_order(tables, random)) == plan_digest(tables)


@given(tables=TABLES_DIGESTS)
def test_a_digest_that_was_stored_as_json_is_the_same(tables):
    assert plan_digest(json.loads(json.dumps(tables))) == plan_digest(tables)


@given(tables=TABLES_DIGESTS, others=TABLES_DIGESTS)
def test_other_tables_have_another_digest(tables, others):
    assume(tables != others)
    assert plan_digest(tables) != plan_digest(others)


@given(tables=TABLES_DIGESTS, data=st.data())
def test_one_row_or_one_fen_more_is_another_digest(tables, data):
    name = data.draw(st.sampled_from(sorted(tables)))
    one_row_more = {**tables, name: {**tables[name], "rows": tables[name]["rows"] + 1}}
    assert plan_digest(one_row_more) != plan_digest(tables)
    sums = tables[name]["sums"]
    one_fen_more = {**tables, name: {**tables[name], "sums": {**sums, "due_fen": sums.get("due_fen", 0) + 1}}}
    assert plan_digest(one_fen_more) != plan_digest(tables)
