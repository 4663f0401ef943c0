"""A final collection without its receipts needs consent before it ends memberships."""

import json
from datetime import date

import pytest

from tests.collected import collect, held, posted_fen
from tests.lakes import PERIOD, claim, member, receipt

NEXT = "2020-12-P2"
COUNTED = "9 of 10 members with a due would lapse (critical_illness 9 of 10)"


def collect_final(lake, *words, period=PERIOD, as_of="2020-12-26"):
    return lake.run("collect", "--period", period, "--as-of", as_of, *words)


def test_a_final_collection_without_any_receipt_is_refused_despite_the_floor(settled):
    settled.write("source/receipts", [])
    assert collect(settled, "2020-12-25").exit_code == 0, "nothing lapses before the grace limit"
    for rows in ([], [receipt(1, 1, 30, period=NEXT), receipt(2, 1, 0, outcome="failed")]):
        settled.write("source/receipts", rows)
        final = collect_final(settled)
        assert final.exit_code == 3 and f"no receipt says that any money came in, and {COUNTED}" in final.err, final.err
    assert "Nothing was published" in final.err and "--accept-lapses 9" in final.err
    assert {status for status, _ in published_statuses(settled)} == {"in_grace"} and not lapsed(settled)
    refused = settled.rows("control/runs", job="collect", state="refused")
    assert all(COUNTED in json.loads(run["settings"])["messages"][0] for run in refused) and len(refused) == 2
    closed = settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26")
    assert closed.exit_code == 4 and "not collected up to the grace limit" in closed.err, (
        "a close does not bypass the refusal"
    )
    assert collect_final(settled, "--accept-lapses", "8").exit_code == 3
    ended = collect_final(settled, "--accept-lapses", "9")
    assert ended.exit_code == 0, ended.err
    assert lapsed(settled) == [1, 2, 3, 4, 5, 6, 8, 9, 10], "7 was helped: netted, not lapsed"
    runs = settled.rows("control/runs", job="collect", state="published")
    (run,) = [r for r in runs if "final" in r["input_versions"]]
    settings = json.loads(run["settings"])
    assert settings["accepted_lapses"] == 9
    assert settings["ceilings"] == {"receipts_ppm": 200_000, "lapses_ppm": 500_000, "floor_rows": 20}
    assert settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26").exit_code == 0


def test_a_held_receipt_shows_that_receipts_are_loaded(settled):
    """With any receipt, even a held one, the file counts as loaded: the floor of 20 rows lets nine lapse."""
    settled.write("source/receipts", [receipt(1, 4, 10, date(2020, 12, 1))])
    assert collect_final(settled).exit_code == 0
    assert held(settled) == {(1, 10, "receipt_before_publicity")} and len(lapsed(settled)) == 9


def test_more_lapses_than_the_ceiling_are_refused_and_a_consent_covers_later_collections(crowd):
    """Of 50 with a due 22 pay: 28 lapse, more than half and more than 20."""
    paid = [receipt(i, i, 1) for i in (*range(1, 13), *range(26, 36))]
    crowd.write("source/receipts", paid)
    refused = collect_final(crowd)
    counts = "28 of 50 members with a due would lapse (critical_illness 13 of 25, senior_cancer 15 of 25)"
    assert refused.exit_code == 3 and f"{counts}; the conf's lapse_ceiling_ppm allows 25" in refused.err, refused.err
    assert collect_final(crowd, "--accept-lapses", "27").exit_code == 3
    assert not crowd.exists("control/quarantine_receipts") and published(crowd) == {"settle"}
    assert collect_final(crowd, "--accept-lapses", "30").exit_code == 0
    assert len(crowd.rows("settled/lapses")) == 28
    # More receipts of the same period arrive: fewer members lapse than the consent allows.
    crowd.write("source/receipts", [*paid, receipt(13, 13, 1)])
    assert collect_final(crowd).exit_code == 0
    # Then nearly all receipts are gone: more members lapse than the consent allows. The publication stays.
    crowd.write("source/receipts", [receipt(1, 1, 1)])
    assert collect_final(crowd).exit_code == 3
    assert sum(row["status"] == "collected" for row in published_rows(crowd, "settled/collections")) == 23
    closed = crowd.run("close", "--period", PERIOD, "--as-of", "2020-12-26")
    assert closed.exit_code == 4 and "have changed" in closed.err


def test_half_of_the_members_may_lapse(crowd):
    crowd.write("source/receipts", [receipt(i, i, 1) for i in (*range(1, 14), *range(26, 38))])
    assert collect_final(crowd).exit_code == 0
    assert len(crowd.rows("settled/lapses")) == 25


def test_run_stops_and_passes_the_consent_on(settled):
    settled.write("source/receipts", [])
    words = ("--from", PERIOD, "--to", PERIOD, "--as-of", "2020-12-26")
    stopped = settled.run("run", *words)
    assert (stopped.exit_code, set(stopped.document["stopped"])) == (3, {"critical_illness"}), stopped.err
    assert "--accept-lapses 9" in stopped.err and "close" not in published(settled)
    ended = settled.run("run", *words, "--accept-lapses", "9")
    assert ended.exit_code == 0 and "close" in published(settled), ended.err
    # Of 100 fen due 10 were set off: 7 x 10 / 100 = 0.7 of fee, rounded down to 0, and 7 of the 90 written off are fee.
    posted = posted_fen(settled, "critical_illness")
    assert (posted["fee_accrued", "members_receivable"], posted["bad_debt", "members_receivable"]) == (7, 90 - 7)


@pytest.mark.parametrize("text", ["-1", "1.5", "all"])
def test_a_consent_is_a_number(settled, text):
    assert collect_final(settled, f"--accept-lapses={text}").exit_code == 2


def published_rows(lake, table):
    """The rows of the table from published collections."""
    valid = {r["run_id"] for r in lake.rows("control/publications", job="collect", action="published")}
    return [r for r in (lake.rows(table) if lake.exists(table) else []) if r["run_id"] in valid]


def published_statuses(lake):
    return {(r["status"], r["collected_fen"]) for r in published_rows(lake, "settled/collections")}


def lapsed(lake):
    return sorted(r["member_id"] for r in published_rows(lake, "settled/lapses"))


def published(lake):
    return {row["job"] for row in lake.rows("control/publications")}


@pytest.fixture
def crowd(lake):
    """25 members of each of two plans: 20 fen of aid and a fee of 2 (1.6) are 1 fen each. 1 and 26 are helped."""
    lake.load(
        [*(member(i) for i in range(1, 26)), *(member(i, "senior_cancer") for i in range(26, 51))],
        [claim(1, 1, approved_aid_fen=20), claim(2, 26, "senior_cancer", approved_aid_fen=20)],
    )
    assert lake.settle().exit_code == 0
    return lake
