"""Lakes that several tests of runs begin with: written once, copied for each test."""

from datetime import date

import pytest

from tests.lakes import LakeFolder, claim, member


@pytest.fixture
def settled(settled_once, tmp_path):
    """A copy of `settled_once` of one's own."""
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
