"""The source versions that a run recorded, checked against the tables of today."""

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.base.errors import GateStopped
from jobs.lake.small import SmallTables
from jobs.lake.sources import TABLE_IDS
from jobs.register.runs import input_versions_of

REMEDY = (
    "Restore it from a backup of the table and run again; conf/OPERATIONS.md, Retention, says how long the owner of a "
    "source keeps its versions."
)


def versions_read(small: SmallTables, run_id: str, needed: Iterable[str]) -> dict[str, int]:
    """The versions of the source tables that a run read.

    Raises GateStopped if the version of a `needed` table is gone: it was vacuumed, or the table was dropped since.
    """
    for name in needed:
        gone = gone_source(small, run_id, name)
        if gone is not None:
            raise GateStopped(f"{gone} Nothing was done. {REMEDY}")
    recorded = input_versions_of(small, run_id)
    return {name: version for name, version in recorded.items() if name.startswith("source/")}


def gone_source(small: SmallTables, run_id: str, name: str) -> str | None:
    """Why the version of a source table that a run read is gone, as a sentence; None if it is there or was not read."""
    recorded = input_versions_of(small, run_id)
    return _why_gone(small, run_id, name, recorded) if name in recorded else None


def version_read(small: SmallTables, run_id: str, name: str) -> int | str:
    """The version of a source table that a run read; a sentence if it is another table today. Its files may be gone."""
    recorded = input_versions_of(small, run_id)
    return _why_gone(small, run_id, name, recorded, with_files=False) or recorded[name]


def _why_gone(
    small: SmallTables, run_id: str, name: str, recorded: Mapping[str, Any], with_files: bool = True
) -> str | None:
    version, table_id = recorded[name], recorded.get(TABLE_IDS, {}).get(name)
    if not small.exists(name):
        why = "the table was dropped"
    elif table_id is not None and table_id != (
        small.table_id(name, version) or small.table_id(name, small.version(name))
    ):
        why = "the table was dropped and created again"
    elif with_files and not small.is_readable(name, version):
        why = "its files or its log were removed (by a vacuum, or when the retention of the log ended)"
    else:
        return None
    return f"{name}, version {version}, which run {run_id} read, is gone: {why}."
