"""The source versions that a run recorded, checked against the tables of today."""

from jobs.errors import Refused
from jobs.lake.small import SmallTables
from jobs.lake.sources import TABLE_IDS
from jobs.register.runs import input_versions_of


def versions_read(small: SmallTables, run_id: str) -> dict[str, int]:
    """The versions of the source tables that a run read; raises Refused if a table was dropped or recreated since."""
    recorded = input_versions_of(small, run_id)
    for name, table_id in recorded.get(TABLE_IDS, {}).items():
        if not small.exists(name) or small.table_id(name) != table_id:
            raise Refused(
                f"{name} is not the table that run {run_id} read: it was dropped or recreated since. Nothing was done "
                "with it. Restore the original table and run again."
            )
    return {name: version for name, version in recorded.items() if name.startswith("source/")}
