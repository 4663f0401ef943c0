"""Publications of a lake, for tests that compare lakes."""


def published_jobs(lake) -> set[str]:
    return {row["job"] for row in lake.rows("control/publications")} if lake.exists("control/publications") else set()


def digests(lake) -> dict[tuple[str, str], str]:
    """Digests by (job, plan)."""
    return {(row["job"], row["plan_id"]): row["digest"] for row in lake.rows("control/publications")}


def without_run(rows: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "run_id"} for row in rows]
