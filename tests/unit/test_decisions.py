"""`quarantine`: lists and shows held rows, and records decisions on them while they are allowed. No Java."""

import json
from datetime import date

import pytest
from deltalake import write_deltalake

from expectations.suites import judge
from jobs.cli import main
from jobs.gate.held_id import held_id_of
from jobs.lake.small import SmallTables, arrow_table
from jobs.register.decisions import USED, last_decisions
from jobs.register.lake_record import record_lake
from jobs.register.publications import publish, published_in
from jobs.register.runs import Run, recorded
from jobs.rulebook import load_platform
from jobs.works.late_claims import LateClaims, hold_late_claims
from jobs.works.receipt_decisions import decided_receipts
from jobs.works.releases import releases_for
from jobs.works.unknown_plans import unknown_plan_messages
from schemas import TABLES
from schemas.control import SOURCE_OF_HELD
from tests.lakes import PERIOD, claim, member, receipt

PLAN, NEXT, LATER = "critical_illness", "2020-12-P2", "2021-01-P1"
HELD_IN = {source.name: name for name, source in SOURCE_OF_HELD.items()}
MEMBERS, CLAIMS, RECEIPTS = "source/members", "source/approved_claims", "source/receipts"
BY = ("--by", "Li Wei", "--reason", "seen the papers")
NO_SEX, DOUBLE = member(1, sex=None), [member(2), member(2, tier="basic")]
LATE, TWICE = claim(11, 4), [claim(12, 5), claim(12, 6)]
ONE_ID = [receipt(21, 7, 30), receipt(21, 8, 40)]


def key(row, source):
    return held_id_of(TABLES[source], row)


def ids(rows, source):
    return [key(row, source) for row in rows]


def hold(small, source, row, *reasons, period=PERIOD, fen=10):
    held = {**row, "held_id": key(row, source), "reasons": list(reasons), "held_in_period": period,
            "first_seen_period": period, "amount_at_stake_fen": fen, "run_id": "run-1"}  # fmt: skip
    small.append(TABLES[HELD_IN[source]], [held], "run-1")


def load(small, source, rows):
    table = TABLES[source]
    write_deltalake(small.path(source), arrow_table(table, rows), mode="overwrite")


def settled(small, period=PERIOD, job="settle", action="published", used=()):
    """A run that used these decisions, recorded and published."""
    inputs = {MEMBERS: 0, CLAIMS: 0, **({USED: dict.fromkeys(used, "release")} if used else {})}
    run = Run(job, "xianghubao", period, (PLAN,), inputs, {}, {})
    with recorded(small, run) as record:
        record.begin(run)
        publish(small, job, period, run.run_id, {PLAN: "digest"}, action)
        record.save("published")


@pytest.fixture
def small(tmp_path):
    """The first period is settled. Held: two members with one key, a member without sex, claims and receipts."""
    small = SmallTables(str(tmp_path))
    record_lake(small, "xianghubao", "run-1")
    settled(small)
    load(small, MEMBERS, [NO_SEX, *DOUBLE, member(3)])
    load(small, CLAIMS, [LATE, *TWICE])
    load(small, RECEIPTS, [*ONE_ID, receipt(22, 3, 50)])
    hold(small, MEMBERS, NO_SEX, "member_sex_unknown", fen=12)
    for row in DOUBLE:
        hold(small, MEMBERS, row, "member_duplicated")
    hold(small, CLAIMS, LATE, "claim_after_settlement", fen=500)
    for row in TWICE:
        hold(small, CLAIMS, row, "claim_duplicated")
    for row in ONE_ID:
        hold(small, RECEIPTS, row, "receipt_duplicated", fen=row["amount_fen"])
    return small


def quarantine(small, capsys, *words, exit_code=0):
    capsys.readouterr()
    assert main(["quarantine", *words, "--lake", small.root, "--json", "--as-of", "2020-12-31"]) == exit_code
    return json.loads(capsys.readouterr().out)


def released_into(small, period, used=None):
    calendar = load_platform("xianghubao").calendar
    versions = {name: small.version(name) for name in (MEMBERS, CLAIMS)}
    releases = releases_for(small, calendar, calendar.period(period), versions, used or {})
    return {row["held_id"] for row in (*releases.members, *releases.claims)}


def test_the_list_counts_rows_and_money_by_table_reason_and_period(small, capsys):
    document = quarantine(small, capsys, "list")
    groups = {(g["table"].removeprefix("control/quarantine_"), g["reason"], g["period"]): (
        g["count"], g["amount_at_stake_fen"], g["undecided_count"]) for g in document["groups"]}  # fmt: skip
    assert groups == {
        ("members", "member_sex_unknown", PERIOD): (1, 12, 1),
        ("members", "member_duplicated", PERIOD): (2, 20, 2),
        ("claims", "claim_after_settlement", PERIOD): (1, 500, 1),
        ("claims", "claim_duplicated", PERIOD): (2, 20, 2),
        ("receipts", "receipt_duplicated", PERIOD): (2, 70, 2),
    }
    assert document["row_count"] == 8 and len(document["rows"]) == 8
    assert {row["count"] for row in document["rows"]} == {1}
    assert [row["reasons"] for row in quarantine(small, capsys, "list", "--rows", "1")["rows"]] == [
        ["claim_after_settlement"]
    ]
    (group,) = quarantine(small, capsys, "list", "--reason", "receipt_duplicated", "--period", PERIOD)["groups"]
    assert group["count"] == 2
    assert quarantine(small, capsys, "list", "--period", LATER)["groups"] == []


def test_the_list_as_text_has_ids_amounts_and_decisions(small, capsys):
    quarantine(small, capsys, "waive", key(LATE, CLAIMS), *BY)
    assert main(["quarantine", "list", "--lake", small.root]) == 0
    text = capsys.readouterr().out
    for expected in (
        key(NO_SEX, MEMBERS),
        "waived by Li Wei",
        "5.00",
        "receipt_duplicated",
        "7 rows are left to decide",
    ):
        assert expected in text, (expected, text)
    assert "payer_id" not in text and "critical_illness" not in text, "whose rows they are is shown of one row alone"


def test_show_gives_the_whole_row_and_the_rows_with_the_same_key(small, capsys):
    first, second = ids(ONE_ID, RECEIPTS)
    document = quarantine(small, capsys, "show", first)
    assert (document["row"]["payer_id"], document["row"]["amount_fen"], document["reasons"]) == (
        7,
        30,
        ["receipt_duplicated"],
    )
    assert [(other["held_id"], other["row"]["amount_fen"]) for other in document["same_key"]] == [(second, 40)]
    assert document["release_refused"] is None and document["closed_period"] is None and document["decisions"] == []
    assert main(["quarantine", "show", first, "--lake", small.root]) == 0
    text = capsys.readouterr().out
    assert f"fentan quarantine release {first} --by WHO --reason TEXT" in text and "are then waived" in text


def test_a_release_records_person_time_and_reason_and_waives_rows_of_the_same_key(small, capsys):
    first, second = ids(ONE_ID, RECEIPTS)
    document = quarantine(small, capsys, "release", first, *BY)
    assert (document["state"], document["action"], document["waived"]) == ("decided", "release", [second])
    decided = {held_id: (row["action"], row["decided_by"], row["reason"], row["table_name"], row["period"])
               for held_id, row in last_decisions(small).items()}  # fmt: skip
    assert decided == {
        first: ("release", "Li Wei", "seen the papers", RECEIPTS, PERIOD),
        second: ("waive", "Li Wei", "seen the papers", RECEIPTS, PERIOD),
    }
    assert {row["released_by"] for row in small.rows(HELD_IN[RECEIPTS])} == {"Li Wei"}
    (run,) = small.rows("control/runs", f"run_id = '{document['run_id']}'")
    assert (run["job"], run["state"], run["period"]) == ("quarantine", "published", PERIOD)
    assert quarantine(small, capsys, "show", first)["decisions"][0]["decided_by"] == "Li Wei"
    held = TABLES[HELD_IN[RECEIPTS]]  # the state after a run that was killed after its decision
    small.replace(held, [{**row, "released_by": None} for row in small.rows(held.name)], "true", "run-1")
    again = quarantine(small, capsys, "release", first, *BY)
    assert {row["released_by"] for row in small.rows(held.name)} == {"Li Wei"}
    assert again["state"] == "already decided" and len(small.rows("control/decisions")) == 2
    rows = {row["held_id"]: row["state"] for row in quarantine(small, capsys, "list")["rows"]}
    assert (rows[first], rows[second]) == ("released", "waived")


def test_the_last_decision_counts(small, capsys):
    first, second = ids(ONE_ID, RECEIPTS)
    for held_id, action in ((first, "release"), (second, "release"), (second, "waive")):
        quarantine(small, capsys, action, held_id, *BY)
    assert {held_id: row["action"] for held_id, row in last_decisions(small).items()} == dict.fromkeys(
        (first, second), "waive"
    )
    assert len(small.rows("control/decisions")) == 5


def test_undecided_rows_are_counted_by_table(small, capsys):
    before = {row["table"]: row["count"] for row in quarantine(small, capsys, "list")["undecided"]}
    assert before == {HELD_IN[MEMBERS]: 3, HELD_IN[CLAIMS]: 3, HELD_IN[RECEIPTS]: 2}
    quarantine(small, capsys, "release", key(NO_SEX, MEMBERS), *BY)
    quarantine(small, capsys, "waive", key(LATE, CLAIMS), *BY)
    load(small, CLAIMS, [LATE, TWICE[0]])  # the other one was removed by the owner
    load(small, RECEIPTS, [receipt(22, 3, 50)])
    capsys.readouterr()
    assert main(["status", "--lake", small.root, "--json"]) == 0
    after = {row["table"]: row["count"] for row in json.loads(capsys.readouterr().out)["undecided"]}
    assert after == {HELD_IN[MEMBERS]: 2, HELD_IN[CLAIMS]: 1}
    settled(small, NEXT)
    assert HELD_IN[MEMBERS] not in {row["table"] for row in quarantine(small, capsys, "list")["undecided"]}, (
        "the next settlement of the plan held none of them"
    )


@pytest.mark.parametrize("source, row, reason", [
    (CLAIMS, claim(13, 4, tier="gold"), "claim_tier_unknown"),
    (CLAIMS, claim(None, 4), "claim_key_missing"),
    (MEMBERS, member(9, payer_id=None), "member_payer_missing"),
    (RECEIPTS, receipt(23, 3, 0), "receipt_amount_out_of_range"),
    (RECEIPTS, receipt(24, 3, 5), "receipt_overpaid"),
])  # fmt: skip
def test_a_row_without_required_values_can_only_be_waived(small, capsys, source, row, reason):
    hold(small, source, row, reason)
    load(small, source, [row])
    document = quarantine(small, capsys, "release", key(row, source), *BY, exit_code=2)
    assert reason in document["error"] and "Nothing was decided" in document["error"]
    assert last_decisions(small) == {}
    assert quarantine(small, capsys, "waive", key(row, source), *BY)["state"] == "decided"


@pytest.mark.parametrize("reason, instead", [
    ("receipt_without_bill", "its owner corrects the row"), ("receipt_after_grace", "corrects attempted_on"),
    ("receipt_overpaid", "outcome returned for the payer and 2020-12-P1"),
    ("receipt_not_enough", "`fentan collect --period 2020-12-P1`"),
    ("receipt_after_lapse", "`fentan correct --period 2020-12-P1 --into PERIOD --reason ...`"),
])  # fmt: skip
def test_unapplied_cash_is_not_released_and_the_message_says_what_to_do_instead(small, capsys, reason, instead):
    row = receipt(25, 3, 5)
    hold(small, RECEIPTS, row, reason)
    load(small, RECEIPTS, [row])
    message = quarantine(small, capsys, "release", key(row, RECEIPTS), *BY, exit_code=2)["error"]
    assert instead in message and "no share to meet" in message and "Ask the owner" not in message
    settled(small, PERIOD, "close", "closed")
    message = quarantine(small, capsys, "release", key(row, RECEIPTS), *BY, exit_code=4)["error"]
    assert ("fentan correct" in message) == (reason == "receipt_after_lapse")


def test_wrong_usage_is_reported(small, capsys):
    held_id = key(LATE, CLAIMS)
    for words in (
        ("release", held_id, "--by", "Li Wei"), ("waive", held_id, "--reason", "x"), ("release", "11", *BY),
        ("show",), ("release", "0" * 16, *BY), ("list", held_id), ("release", held_id, "--by", " ", "--reason", "x"),
    ):  # fmt: skip
        assert "Nothing" in quarantine(small, capsys, *words, exit_code=2)["error"]
    load(small, CLAIMS, TWICE)
    assert "no such row any more" in quarantine(small, capsys, "release", held_id, *BY, exit_code=2)["error"]


def test_nothing_is_released_into_a_closed_period(small, capsys):
    settled(small, PERIOD, "close", "closed")
    first, second = ids(ONE_ID, RECEIPTS)
    document = quarantine(small, capsys, "release", first, *BY, exit_code=4)
    assert f"{PERIOD}, which is closed" in document["error"]
    assert quarantine(small, capsys, "show", first)["closed_period"] == PERIOD
    quarantine(small, capsys, "waive", second, *BY)
    assert quarantine(small, capsys, "release", key(LATE, CLAIMS), *BY)["state"] == "decided", "it counts later"


def test_a_decision_that_a_settlement_used_is_final(small, capsys):
    first, second = ids(TWICE, CLAIMS)
    quarantine(small, capsys, "release", first, *BY)
    settled(small, NEXT, used=[first])
    for action, held_id in (("waive", first), ("release", second)):
        document = quarantine(small, capsys, action, held_id, *BY, exit_code=4)
        assert f"settle {NEXT}" in document["error"] and "fentan correct" in document["error"]
    assert quarantine(small, capsys, "release", first, *BY)["state"] == "already decided"


def test_released_members_count_in_every_later_settlement_and_claims_in_one(small, capsys):
    member_key, claim_key = key(NO_SEX, MEMBERS), key(LATE, CLAIMS)
    assert released_into(small, NEXT) == set()
    quarantine(small, capsys, "release", member_key, *BY)
    quarantine(small, capsys, "release", claim_key, *BY)
    assert released_into(small, NEXT) == {member_key, claim_key}
    assert released_into(small, PERIOD, published_in(small, "settle", PERIOD)) == set(), (
        "a settlement keeps the releases that it used"
    )
    settled(small, NEXT, used=[member_key, claim_key])
    assert released_into(small, NEXT, published_in(small, "settle", NEXT)) == {member_key, claim_key}
    assert released_into(small, LATER) == {member_key}, "the member stays, the claim has counted"
    load(small, MEMBERS, [member(1, sex="F"), member(3)])
    assert released_into(small, LATER) == set(), "the source was corrected: the release has no effect"


def test_a_claim_counted_in_a_correction_is_not_released_into_a_settlement(small, capsys):
    """Without this rule it would count twice: in the closed period and in the next settlement."""
    claim_key = key(LATE, CLAIMS)
    quarantine(small, capsys, "release", claim_key, *BY)
    assert released_into(small, NEXT) == {claim_key}
    corrected(small, 50, revision=1)
    assert released_into(small, NEXT) == set()
    corrected(small, -50, revision=2)
    assert released_into(small, NEXT) == {claim_key}, "after the second correction it counts in no period"
    quarantine(small, capsys, "waive", claim_key, *BY)
    corrected(small, 50, revision=3)
    refused = quarantine(small, capsys, "release", claim_key, *BY, exit_code=4)
    assert "counts in a correction" in refused["error"] and f"`fentan quarantine waive {claim_key}" in refused["error"]


def test_another_row_of_a_claim_that_a_correction_counted_is_the_same_claim(small, capsys):
    """11 counts in a correction with 50 fen; a row of 11 with another aid, and one of a later period, count nowhere."""
    corrected(small, 50, revision=1)
    again = [claim(11, 4, approved_aid_fen=70), claim(11, 4, publicity_period=NEXT)]
    load(small, CLAIMS, [LATE, *TWICE, *again])
    for row in again:
        hold(small, CLAIMS, row, "claim_after_settlement", fen=70)
        refused = quarantine(small, capsys, "release", key(row, CLAIMS), *BY, exit_code=4)["error"]
        assert f"a correction of {PERIOD} already" in refused, "where it counts, not the period of the row"
        assert f"`fentan correct --period {PERIOD} --into PERIOD --reason ...`" in refused


def corrected(small, delta_fen, revision):
    """A correction of the first period into the next one that changes the aid of the late claim."""
    run = Run("correct", "xianghubao", NEXT, (PLAN,), {"revision": revision}, {}, {})
    with recorded(small, run) as record:
        record.begin(run)
        row = {"period": NEXT, "plan_id": PLAN, "origin_period": PERIOD, "revision": revision, "claim_id": 11,
               "member_id": 4, "delta_benefit_fen": delta_fen, "delta_sponsored_fen": 0, "recovered_fen": 0,
               "marker": "added", "run_id": run.run_id}  # fmt: skip
        small.append(TABLES["settled/adjusted_benefits"], [row], run.run_id)
        publish(small, "correct", NEXT, run.run_id, {PLAN: "digest"}, origin_period=PERIOD)
        record.save("published")


def test_a_released_row_stays_in_the_quarantine_for_later_runs_to_look_up(small, capsys):
    claim_key, other = key(LATE, CLAIMS), claim(14, 7, approved_aid_fen=3)
    quarantine(small, capsys, "release", claim_key, *BY)
    for claims in (LateClaims(late=[other]), LateClaims(), LateClaims(decided=[{**LATE, "released_by": "Li Wei"}])):
        hold_late_claims(small, claims, PERIOD, "run-2")
        rows = small.rows(HELD_IN[CLAIMS], "array_has(reasons, 'claim_after_settlement')")
        assert sorted(row["claim_id"] for row in rows) == [LATE["claim_id"], *(row["claim_id"] for row in claims.late)]
        assert {row["released_by"] for row in rows if row["held_id"] == claim_key} == {"Li Wei"}
    assert released_into(small, NEXT) == {claim_key}


def test_only_the_released_row_of_a_receipt_id_counts_as_money(small, capsys):
    version = small.version(RECEIPTS)
    first, second = ids(ONE_ID, RECEIPTS)
    assert decided_receipts(small, PERIOD, version, (), False).inputs == {}
    quarantine(small, capsys, "release", second, *BY)
    decided = decided_receipts(small, PERIOD, version, (), False)
    assert decided.inputs == dict(sorted({first: "waive", second: "release"}.items()))
    assert [row["payer_id"] for row in decided.released] == [8] and [row["payer_id"] for row in decided.untrue] == [7]
    assert decided_receipts(small, NEXT, version, (), False).inputs == {}
    assert decided_receipts(small, PERIOD, version, (), True).inputs == {}, "a closed period keeps what it used"


def test_overlapping_spells_are_not_released_together(small, capsys):
    one, other = member(5, exited_on=date(2020, 3, 1)), member(5, joined_on=date(2020, 2, 1))
    for row in (one, other):
        hold(small, MEMBERS, row, "member_spells_overlap")
    load(small, MEMBERS, [one, other])
    quarantine(small, capsys, "release", key(one, MEMBERS), *BY)
    document = quarantine(small, capsys, "release", key(other, MEMBERS), *BY, exit_code=4)
    assert "overlaps" in document["error"] and key(one, MEMBERS) in document["error"]
    quarantine(small, capsys, "waive", key(one, MEMBERS), *BY)
    assert quarantine(small, capsys, "release", key(other, MEMBERS), *BY)["state"] == "decided"


def test_waived_rows_of_no_plan_are_not_reported_again(small, capsys):
    rows = [member(31, "no_such_plan"), member(32, "no_such_plan")]
    for row in rows:
        hold(small, MEMBERS, row, "member_plan_unknown")
    load(small, MEMBERS, rows)
    results = judge(MEMBERS, {"member_plan_unknown": 2})
    platform = load_platform("xianghubao")
    reported_counts = lambda: [text.split()[1] for text in unknown_plan_messages(results, platform, small)]  # noqa: E731
    assert reported_counts() == ["2"]
    quarantine(small, capsys, "waive", key(rows[0], MEMBERS), *BY)
    assert reported_counts() == ["1"]
    quarantine(small, capsys, "waive", key(rows[1], MEMBERS), *BY)
    assert reported_counts() == []


def test_nothing_is_released_into_a_plan_that_has_ended(small, capsys):
    last = load_platform("xianghubao").plans[PLAN].last_period or load_platform("xianghubao").calendar.last_period
    settled(small, str(last))
    assert "is settled" in quarantine(small, capsys, "release", key(LATE, CLAIMS), *BY, exit_code=4)["error"]


@pytest.mark.parametrize(
    "source, column, values",
    [(CLAIMS, "approved_aid_fen", ["1"] * 3), (CLAIMS, "publicity_period", [1] * 3), (RECEIPTS, "period", [1] * 3)],
)
def test_held_rows_are_shown_and_decided_on_while_a_column_of_a_source_has_another_type(
    small, capsys, source, column, values
):
    rows = arrow_table(TABLES[source], small.rows(source))
    mistyped = rows.set_column(rows.schema.names.index(column), column, [values])
    write_deltalake(small.path(source), mistyped, mode="overwrite", schema_mode="overwrite")
    listed = quarantine(small, capsys, "list")
    assert sum(group["undecided_count"] for group in listed["groups"]) == 8
    held_id = key(ONE_ID[0] if source == RECEIPTS else LATE, source)
    assert quarantine(small, capsys, "show", held_id)["state"] == "undecided"
    quarantine(small, capsys, "waive", held_id, *BY)
    assert main(["status", "--lake", small.root, "--as-of", "2020-12-31"]) == 0, capsys.readouterr().err


def test_errors_and_the_record_name_no_person(small, capsys):
    row = member(123456789012345678, payer_id=None)
    hold(small, MEMBERS, row, "member_payer_missing")
    load(small, MEMBERS, [row])
    document = quarantine(small, capsys, "release", key(row, MEMBERS), *BY, exit_code=2)
    assert "123456789012345678" not in document["error"]
    assert not [run for run in small.rows("control/runs") if "123456789012345678" in str(run)]
