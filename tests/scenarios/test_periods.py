"""Every scenario of `periods/`: pools, rates, journal and fee of one plan's periods, computed by hand."""

from pathlib import Path

import pytest

from tests.scenario import read_scenario, settle_scenario

FOLDER = Path(__file__).parent / "periods"
SCENARIOS = sorted(FOLDER.glob("*.txt"))


def test_there_are_scenarios():
    assert len(SCENARIOS) >= 10


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path):
    scenario = read_scenario(path)
    settled = settle_scenario(scenario.given)
    assert scenario.expected, "a scenario expects something"
    for table, expected in scenario.expected.items():
        columns = list(expected[0]) if expected else []
        actual = [{column: row[column] for column in columns} for row in settled[table]]
        assert actual == expected, table


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_conserves_to_the_fen(path):
    """P1: share x members and the extra fens + case_sponsored + brought = benefits + fee + carried."""
    settled = settle_scenario(read_scenario(path).given)
    for pool in settled["settled/pools"]:
        period, rounding = pool["period"], pool["rounding"]
        rates = [row for row in settled["settled/rates"] if row["period"] == period]
        (priced,) = [r for r in settled["roundings"] if (r["period"], r["rounding"]) == (period, rounding)]
        charged = sum(row["share_fen"] * row["covered_count"] for row in rates) + priced["one_fen_more_count"]
        paid = charged + pool["case_sponsored_fen"] + pool["brought_forward_fen"]
        assert paid == pool["benefit_fen"] + pool["fee_fen"] + pool["carried_forward_fen"]
        assert charged == pool["due_fen"] + pool["member_sponsored_fen"]
