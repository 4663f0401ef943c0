"""A missing source version that a run read is reported with the table, the run and the remedy."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.base.errors import GateStopped
from jobs.lake.small import SmallTables
from jobs.register.inputs import gone_source, version_read, versions_read
from jobs.register.runs import Run, recorded

MEMBERS = "source/members"


def write(small, number, mode="overwrite"):
    rows = pa.table({"member_id": pa.array([number], pa.int64()), "plan_id": ["critical_illness"]})
    write_deltalake(small.path(MEMBERS), rows, mode=mode, partition_by=["plan_id"])


@pytest.fixture
def small(tmp_path):
    """A source whose version 0 was read by a run."""
    small = SmallTables(str(tmp_path))
    write(small, 1)
    inputs = {MEMBERS: 0, "table_ids": {MEMBERS: small.table_id(MEMBERS, 0)}}
    run = Run("settle", "xianghubao", "2020-12-P1", ("critical_illness",), inputs, {}, {"as_of": "2020-12-07"})
    with recorded(small, run) as record:
        record.begin(run)
    small.run_id = run.run_id
    return small


def vacuum(small):
    DeltaTable(small.path(MEMBERS)).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)


def test_a_version_that_exists_is_read(small):
    assert versions_read(small, small.run_id, [MEMBERS]) == {MEMBERS: 0}
    write(small, 2)
    assert versions_read(small, small.run_id, [MEMBERS]) == {MEMBERS: 0}, "updated, but not vacuumed"
    write(small, 3, mode="append")
    vacuum(small)
    assert small.is_readable(MEMBERS, 2) and not small.is_readable(MEMBERS, 0)


def test_rows_added_later_leave_the_version_readable(small):
    write(small, 2, mode="append")
    vacuum(small)
    assert gone_source(small, small.run_id, MEMBERS) is None


def test_a_vacuumed_version_stops_commands_that_need_it(small):
    write(small, 2)
    vacuum(small)
    with pytest.raises(GateStopped) as stop:
        versions_read(small, small.run_id, [MEMBERS])
    for part in (f"{MEMBERS}, version 0, which run {small.run_id} read, is gone", "vacuum", "Nothing was", "Restore"):
        assert part in str(stop.value), stop.value
    assert stop.value.exit_code == 3
    assert versions_read(small, small.run_id, []) == {MEMBERS: 0}, "a command that does not need it continues"
    assert version_read(small, small.run_id, MEMBERS) == 0


def test_without_its_log_entry_the_version_is_gone(small):
    write(small, 2)
    DeltaTable(small.path(MEMBERS)).create_checkpoint()
    (Path(small.path(MEMBERS)) / "_delta_log" / f"{0:020d}.json").unlink()
    assert "log" in gone_source(small, small.run_id, MEMBERS)


def test_a_table_that_was_dropped_is_gone_even_if_it_was_created_again(small):
    shutil.rmtree(small.path(MEMBERS))
    assert "the table was dropped." in gone_source(small, small.run_id, MEMBERS)
    write(small, 1)
    assert "dropped and created again" in version_read(small, small.run_id, MEMBERS)


def test_a_source_that_the_run_did_not_read_may_be_gone(small):
    assert gone_source(small, small.run_id, "source/receipts") is None
