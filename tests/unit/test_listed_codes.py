"""Codes of sources in reports: every code that is not listed is counted as `other`."""

from datetime import date

import pytest

from jobs.lake.small import arrow_table
from jobs.reporting.annual_fee import reviews_rows
from jobs.reporting.people import movements
from schemas import TABLES
from schemas.codes import EXIT_REASONS, TECHNIQUES
from tests.lakes import member

PUBLIC_ON, BEFORE_ON = date(2020, 12, 7), date(2020, 11, 21)
UNLISTED = (None, "", "Field", "field ", "field\n", "f\u0456eld", "left\r", "Wang Fang, 139 1234 5678", "<b>x</b>")


def frame(spark, name, rows):
    return spark.createDataFrame(arrow_table(TABLES[name], rows), TABLES[name].spark_schema)


def test_unlisted_techniques_are_counted_as_other(spark):
    techniques = (*TECHNIQUES, *UNLISTED)
    reviews = [
        {"review_id": i, "claim_id": i, "plan_id": "chronic", "received_on": date(2020, 12, 1), "technique": technique,
         "decided_on": date(2020, 12, 3), "decision": "refused", "requested_aid_fen": 1}
        for i, technique in enumerate(techniques)
    ]  # fmt: skip
    rows = list(reviews_rows(frame(spark, "source/claim_reviews", reviews)))
    days = {row["item"]: row["quantity"] for row in rows if row["measure"] == "mean_days_tenths"}
    assert days == dict.fromkeys(("all", *TECHNIQUES, "other"), 20)


@pytest.mark.parametrize("reason", UNLISTED)
def test_an_exit_with_an_unlisted_reason_is_counted_as_other(spark, reason):
    spells = [member(1, exited_on=PUBLIC_ON.replace(day=1), exit_reason=reason)]
    spells += [member(2, exited_on=PUBLIC_ON.replace(day=2), exit_reason=EXIT_REASONS[0])]
    groups = movements(frame(spark, "source/members", spells), BEFORE_ON, PUBLIC_ON)
    assert sorted(group["exit_reason"] for group in groups) == [EXIT_REASONS[0], "other"]
