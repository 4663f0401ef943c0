"""The record of the lake itself: its platform, and the layout version of its tables."""

from datetime import UTC, datetime

from jobs.base.errors import WrongUsage
from jobs.lake.small import SmallTables
from schemas import TABLES

LAKE = TABLES["control/lake"]
# Layout 1 had no record of the lake, and its run ids were digests of other texts. Layout 2 partitioned the quarantine
# by plan and period of the rows, and kept only the newest ones. Layout 3 had no corrections: pools and bills lacked a
# column for them, publications their period of origin.
LAYOUT = 4


def platform_of(small: SmallTables) -> str | None:
    """The platform of the lake; None before its first write. Raises WrongUsage for another layout."""
    rows = small.rows(LAKE.name)
    if not rows and small.exists("control/publications"):
        raise WrongUsage(_other_layout(small.root, 1))
    for row in rows:
        if row["layout_version"] != LAYOUT:
            raise WrongUsage(_other_layout(small.root, row["layout_version"]))
    return rows[0]["platform_id"] if rows else None


def record_lake(small: SmallTables, platform_id: str, run_id: str) -> None:
    """Records the platform and the layout, unless the lake has its record. Call it under the run lock."""
    if platform_of(small) is None:
        row = {
            "platform_id": platform_id,
            "layout_version": LAYOUT,
            "recorded_at": datetime.now(UTC),
            "run_id": run_id,
        }
        small.append(LAKE, [row], run_id)


def _other_layout(root: str, layout: int) -> str:
    return (
        f"Lake {root}: its tables have layout {layout}; this version of Fentan supports layout {LAYOUT} only. "
        "Nothing was done. Use the version that made the lake, or settle its sources into a new lake."
    )
