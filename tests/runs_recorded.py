"""Runs for tests of the control tables: recorded and published, without rows and without Spark."""

from jobs.lake.small import SmallTables
from jobs.register.publications import publish
from jobs.register.runs import Run, recorded


def done(small: SmallTables, job: str, period: str, plan_ids: tuple[str, ...], action: str = "published", **inputs):
    """Records and publishes a run of the job; returns its id."""
    run = Run(job, "xianghubao", period, plan_ids, inputs, {}, {"as_of": "2020-12-26"})
    with recorded(small, run) as record:
        record.begin(run)
        publish(small, job, period, run.run_id, dict.fromkeys(plan_ids, "digest"), action)
        record.save("published")
    return run.run_id
