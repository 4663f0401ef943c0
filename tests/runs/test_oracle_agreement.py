"""The plain-Python oracle and the Spark settlement agree in every period, to the fen and in every reason.

P11. One small world is settled for 8 periods while the rules of its plans change by date; unit/test_worlds_rules.py
shows that every rule decides a case in them. The slow test settles 24. FENTAN_ORACLE_SEEDS=2,3 selects other worlds.
"""

import os
from collections import Counter
from time import monotonic

import pytest
from deltalake import DeltaTable

from schemas import TABLES
from tests.oracle import History, Settled, settle
from tests.worlds_rules import LONG, SHORT, world_of_changing_rules

SEEDS = [int(seed) for seed in os.environ.get("FENTAN_ORACLE_SEEDS", "1").split(",")]

# By table: the name of its rows in the oracle, and the columns that the oracle does not compute.
COMPARED = {
    "settled/pools": ("pool", {"rule_version"}),
    "settled/rates": ("rates", set()),
    "settled/benefits": ("benefits", {"rule_version"}),
    "settled/assessments": ("assessments", set()),
    "settled/bills": ("bills", set()),
    "ledger/fee": ("fee", set()),
    "ledger/journal": ("journal", {"entry_id", "job", "posted_on", "reason", "reference"}),
}
HELD_MEMBERS, HELD_CLAIMS = "control/quarantine_members", "control/quarantine_claims"
MEMBER_KEY = ("plan_id", "member_id", "joined_on", "tier")
CLAIM_KEY = ("claim_id", "plan_id", "member_id", "publicity_period", "illness_code")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "life, count", [(SHORT, 8), pytest.param(LONG, 24, marks=pytest.mark.slow)], ids=["8 periods", "24 periods"]
)
def test_the_oracle_agrees_over_periods_of_changing_rules(lake, tmp_path, capsys, life, count, seed):
    world, conf = world_of_changing_rules(tmp_path, seed, life)
    lake.load(world.members, world.claims)
    history, started = History(), monotonic()
    periods = [str(period) for period in life.periods]
    assert len(periods) == count
    for period in periods:
        ended = lake.settle(period, "--conf", str(conf))
        assert ended.exit_code in (0, 3), f"{period}: {ended.err}"
        actual = {table: published(lake, table, ended.document["run_id"]) for table in COMPARED}
        expected = settle(world, period, history, members_with_one_fen_more(actual))
        differing = differences(actual, expected) | differences_in_quarantine(lake, expected)
        assert not differing, f"{period}: " + "\n".join(f"{name}: {text}" for name, text in differing.items())
        assert ended.exit_code == (3 if expected.refused else 0), f"{period}: {ended.err}"
        history = history.after(expected)
    with capsys.disabled():
        print(f"\nseed {seed}: {len(periods)} periods settled and compared in {monotonic() - started:.0f} s")


def published(lake, table: str, run_id: str) -> list[dict]:
    """The rows that the run wrote into a table, read without Spark."""
    rows = DeltaTable(str(lake.folder / table)).to_pyarrow_table(filters=[("run_id", "=", run_id)])
    return rows.to_pylist()


def members_with_one_fen_more(rows: dict[str, list[dict]]) -> dict[str, set[int]]:
    """By plan, the members above the share of their tier under exact rounding; the oracle counts them."""
    exact = {row["plan_id"] for row in rows["settled/pools"] if row["rounding"] == "exact"}
    share_fen = {(row["plan_id"], row["tier"]): row["share_fen"] for row in rows["settled/rates"]}
    return {
        plan_id: {
            row["member_id"] for row in rows["settled/assessments"]
            if row["plan_id"] == plan_id and row["share_fen"] > share_fen[plan_id, row["tier"]]
        }
        for plan_id in exact
    }  # fmt: skip


def differences(actual: dict[str, list[dict]], expected: Settled) -> dict[str, str]:
    differing = {}
    for table, (rows, not_computed) in COMPARED.items():
        columns = [name for name in TABLES[table].column_names if name not in {"run_id", *not_computed}]
        differing |= difference(table, picked(actual[table], columns), picked(expected.rows(rows), columns))
    return differing


def differences_in_quarantine(lake, expected: Settled) -> dict[str, str]:
    """Held members, and held claims of the period or of no known period."""
    members = [(row, row["reasons"]) for row in held(lake, HELD_MEMBERS, expected.period)]
    claims = [(row, row["reasons"]) for row in held(lake, HELD_CLAIMS, expected.period)]
    return difference(
        HELD_MEMBERS, with_reasons(members, MEMBER_KEY), with_reasons(expected.held_members, MEMBER_KEY)
    ) | difference(HELD_CLAIMS, with_reasons(claims, CLAIM_KEY), with_reasons(expected.held_claims, CLAIM_KEY))


def held(lake, table: str, period: str) -> list[dict]:
    """The rows held by the period's run."""
    rows = DeltaTable(str(lake.folder / table)).to_pyarrow_table().to_pylist()
    return [row for row in rows if row["run_id"].startswith(f"settle-{period}-")]


def picked(rows: list[dict], columns: list[str]) -> Counter:
    return Counter(tuple(row[column] for column in columns) for row in rows)


def with_reasons(held_rows, key: tuple[str, ...]) -> Counter:
    return Counter((*(row[column] for column in key), frozenset(reasons)) for row, reasons in held_rows)


def difference(name: str, actual: Counter, expected: Counter) -> dict[str, str]:
    """Empty if both have the same rows; otherwise the rows that only one side has."""
    if actual == expected:
        return {}
    only_actual, only_expected = list((actual - expected).elements()), list((expected - actual).elements())
    return {name: f"\n  only settled: {only_actual[:5]}\n  only the oracle's: {only_expected[:5]}"}
