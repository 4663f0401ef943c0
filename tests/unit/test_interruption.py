"""An interruption first ends the writers and then records the run as `interrupted`. No Spark."""

import json

import pytest

from jobs.base import process
from jobs.base.process import Interrupted
from jobs.base.progress import announce
from jobs.lake.small import SmallTables
from jobs.register.runs import Run, recorded

RUN = Run("collect", "xianghubao", "2020-12-P1", ("critical_illness",), {}, {}, {"as_of": "2020-12-26"})


@pytest.fixture
def interrupt(monkeypatch):
    """Interrupts as the handler of a signal does."""
    monkeypatch.setattr(process, "_writers", [])

    def raise_it():
        monkeypatch.setattr(process, "_interruption", Interrupted(15))
        raise process.interruption()

    return raise_it


def rows(small: SmallTables) -> list[dict]:
    return small.rows("control/runs") if small.exists("control/runs") else []


def test_writers_end_before_the_run_is_recorded_as_interrupted(tmp_path, interrupt):
    small = SmallTables(str(tmp_path))
    states_at_end = []
    process.ends_with_interruption(lambda: states_at_end.append([row["state"] for row in rows(small)]))
    with pytest.raises(Interrupted) as interruption, recorded(small, RUN) as record:
        record.begin(RUN)
        announce("writing")
        interrupt()
    assert states_at_end == [["running"]]
    (row,) = rows(small)
    assert (row["state"], row["run_id"]) == ("interrupted", RUN.run_id)
    assert [stage["stage"] for stage in json.loads(row["settings"])["stages"]] == ["writing"]
    assert interruption.value.__notes__ == ["Nothing of collect 2020-12-P1 was published."]


def test_an_interruption_before_the_first_stage_is_recorded(tmp_path, interrupt):
    small = SmallTables(str(tmp_path))
    with pytest.raises(Interrupted), recorded(small, RUN):
        interrupt()
    assert [row["state"] for row in rows(small)] == ["interrupted"]


def test_an_error_that_follows_from_an_interruption_is_recorded_as_interrupted(tmp_path, interrupt):
    small = SmallTables(str(tmp_path))
    with pytest.raises(ZeroDivisionError), recorded(small, RUN):
        try:
            interrupt()
        finally:
            1 / 0  # noqa: B018
    assert [row["state"] for row in rows(small)] == ["interrupted"]


def test_a_storage_failure_does_not_hide_the_interruption(tmp_path, interrupt, monkeypatch):
    def fail(*_):
        raise OSError("gone")

    small = SmallTables(str(tmp_path))
    monkeypatch.setattr(SmallTables, "replace", fail)
    with pytest.raises(Interrupted), recorded(small, RUN):
        interrupt()
