"""What the log of a table says of its files, by value of the partition column."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.lake.data_files import DataFile, data_files, files_by_value
from jobs.lake.small import arrow_table
from schemas.sources import RECEIPTS
from tests.lakes import receipt

DAY = date(2020, 12, 14)


@pytest.fixture
def table(tmp_path):
    """Receipts of two periods; of the first in two files."""
    for period, number in (("2020-12-P1", 1), ("2020-12-P2", 2), ("2020-12-P1", 3)):
        rows = [
            receipt(number, 1, 10, DAY + timedelta(days=number), period=period),
            receipt(9, 1, 10, None, period=period),
        ]
        write_deltalake(tmp_path, arrow_table(RECEIPTS, rows), mode="append", partition_by=["period"])
    return DeltaTable(tmp_path)


def test_files_with_their_latest_day(table):
    files = files_by_value(table, "period", "attempted_on")
    assert {period: len(of_period) for period, of_period in files.items()} == {"2020-12-P1": 2, "2020-12-P2": 1}
    assert {file.path for of_period in files.values() for file in of_period} == data_files(table)
    (file,) = files["2020-12-P2"]
    assert [file.ends_by(DAY + timedelta(days=days)) for days in (1, 2, 3)] == [False, True, True]
    assert files["2020-12-P1"] == files_by_value(DeltaTable(table.table_uri, 2), "period", "attempted_on")["2020-12-P1"]
    assert files["2020-12-P1"] != files_by_value(DeltaTable(table.table_uri, 1), "period", "attempted_on")["2020-12-P1"]


def test_a_file_without_statistics_may_be_of_any_day(table, tmp_path):
    plain = {"delta.dataSkippingStatsColumns": "receipt_id"}
    target = tmp_path / "plain"
    write_deltalake(target, arrow_table(RECEIPTS, [receipt(1, 1, 10)]), partition_by=["period"], configuration=plain)
    ((file,),) = files_by_value(DeltaTable(target), "period", "attempted_on").values()
    assert not file.ends_by(date.max)
    assert not DataFile("a", None).ends_by(date.max)


def test_nothing_is_known_of_files_where_their_rows_may_change(table):
    with_vectors = SimpleNamespace(
        protocol=lambda: SimpleNamespace(reader_features=["deletionVectors"]), get_add_actions=table.get_add_actions
    )
    assert files_by_value(with_vectors, "period", "attempted_on") is None
    assert files_by_value(table, "payer_id", "attempted_on") is None
