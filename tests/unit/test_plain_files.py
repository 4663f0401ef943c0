"""Tables of a small local lake are read as plain files, with the same rows as through Delta, or through Delta."""

from datetime import date

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from deltalake import DeltaTable, write_deltalake

from jobs.lake.plain_files import plain_frame

ROWS = pa.table({
    "member_id": ["m1", "m2", "m3", None],
    "amount_fen": pa.array([1, 2, None, 4], pa.int64()),
    "plan_id": ["007", "chronic", None, "chronic"],
    "joined_on": pa.array([date(2020, 1, 1), None, date(2020, 1, 1), date(1583, 1, 1)], pa.date32()),
})  # fmt: skip


def written(folder, rows=ROWS, **how):
    write_deltalake(folder, rows, **how)
    return DeltaTable(folder)


@pytest.mark.parametrize("partitions", [[], ["plan_id"], ["plan_id", "joined_on"]])
def test_the_same_rows_as_through_delta(spark, tmp_path, partitions):
    """Partition values keep their type and text ("007"), and null stays null."""
    folder = str(tmp_path / "lake 1" / "members")
    written(folder, partition_by=partitions)
    table = written(folder, ROWS.slice(0, 2), mode="append")
    frame = plain_frame(spark, table, folder)
    assert frame is not None and frame.count() == 6
    assert_df_equality(frame, spark.read.format("delta").load(folder), ignore_row_order=True, ignore_nullable=True)


def test_an_earlier_version_and_a_column_added_later(spark, tmp_path):
    folder = str(tmp_path / "members")
    written(folder, ROWS.drop_columns("amount_fen"))
    written(folder, mode="append", schema_mode="merge")
    written(folder, mode="overwrite")
    for version, rows in ((0, 4), (1, 8), (2, 4)):
        frame = plain_frame(spark, DeltaTable(folder, version), folder)
        stored = spark.read.format("delta").option("versionAsOf", version).load(folder)
        assert frame is not None and frame.count() == rows
        assert_df_equality(frame, stored, ignore_row_order=True, ignore_nullable=True)


def test_tables_that_plain_files_do_not_describe_are_read_through_delta(spark, tmp_path):
    """Deletion vectors, an escaped partition folder, a root that looks like a pattern, no files: read through Delta."""
    deleted = str(tmp_path / "deleted")
    written(deleted)
    spark.sql(f"alter table delta.`{deleted}` set tblproperties (delta.enableDeletionVectors = true)")
    spark.sql(f"delete from delta.`{deleted}` where member_id = 'm1'")
    escaped, pattern, empty = (str(tmp_path / name) for name in ("escaped", "lake {1,2}", "empty"))
    tables = {
        deleted: DeltaTable(deleted),
        escaped: written(escaped, ROWS.slice(0, 1).set_column(2, "plan_id", [["a b/c"]]), partition_by=["plan_id"]),
        pattern: written(pattern),
        empty: written(empty, ROWS.slice(0, 0)),
    }
    for folder, table in tables.items():
        assert plain_frame(spark, table, folder) is None, folder
