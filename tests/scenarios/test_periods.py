"""Every scenario of `periods/`: from what is given of one plan's periods to pools, rates, journal and fee, by hand."""

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
        found = [{column: row[column] for column in columns} for row in settled[table]]
        assert found == expected, table


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_conserves_to_the_fen(path):
    """P1: due + member_sponsored + case_sponsored + brought_forward = benefits + fee + carried."""
    for pool in settle_scenario(read_scenario(path).given)["settled/pools"]:
        paid = ("due_fen", "member_sponsored_fen", "case_sponsored_fen", "brought_forward_fen")
        asked = ("benefit_fen", "fee_fen", "carried_forward_fen")
        assert sum(pool[name] for name in paid) == sum(pool[name] for name in asked)
