"""Lakes that several tests start from: written once, copied for each test."""

from datetime import date

import pytest

from tests.collected import collect
from tests.lakes import PERIOD, LakeFolder, claim, member, receipt
from tests.shown import make_shown


@pytest.fixture
def settled(settled_once, tmp_path):
    """A copy of `settled_once` for one test."""
    return settled_once.copied(tmp_path / "lake")


@pytest.fixture(scope="session")
def settled_once(spark, tmp_path_factory):
    """Ten members; 1 pays for 2 and 3. One case of 90 fen and 7.2 fee -> 7 fen: pool 97, ten pay 10 fen, 3 fen
    remain."""
    joined = {2: date(2019, 5, 1), 3: date(2019, 4, 1)}
    people = [
        member(
            i,
            payer_id=1 if i in (2, 3) else i,
            joined_on=joined.get(i, date(2019, 6, 1)),
            waiting_ends_on=date(2019, 9, 1),
        )
        for i in range(1, 11)
    ]
    lake = LakeFolder(spark, tmp_path_factory.mktemp("settled") / "lake")
    lake.load(people, [claim(1, 7, approved_aid_fen=90)])
    assert lake.settle().exit_code == 0
    return lake


@pytest.fixture
def closed(closed_once, tmp_path):
    """A copy of `closed_once` for one test."""
    return closed_once.copied(tmp_path / "lake")


@pytest.fixture(scope="session")
def closed_once(settled_once, tmp_path_factory):
    """The ten members; 1 paid 45 for his 30, the others paid what they owe. Collected and closed."""
    lake = settled_once.copied(tmp_path_factory.mktemp("closed") / "lake")
    lake.write("source/receipts", [receipt(1, 1, 45), *(receipt(i, i, 10) for i in range(4, 11))])
    assert collect(lake, "2020-12-26").exit_code == 0
    assert lake.run("close", "--period", PERIOD, "--as-of", "2020-12-26").exit_code == 0
    return lake


@pytest.fixture(scope="session")
def shown(spark, tmp_path_factory):
    """The lake of tests/shown.py, for reading only; tests that write use `shown.copied(...)`."""
    return make_shown(LakeFolder(spark, tmp_path_factory.mktemp("shown") / "lake"))


@pytest.fixture(scope="session")
def without_claims(spark, tmp_path_factory):
    """Two members and no case, settled; for reading only."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("without") / "lake").load([member(1), member(2)], [])
    ended = lake.settle()
    assert ended.exit_code == 0, ended.err
    return lake
