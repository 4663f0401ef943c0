"""P9: explanations agree with the tables for every member of a small world. Also the forms of the output."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from jobs.explaining.cover import cover_on
from jobs.explaining.explanation import explain
from jobs.reporting.masking import GroupTraits, coarsened
from jobs.settlement.coverage import COVERED
from tests.confs import write_conf
from tests.lakes import PERIOD, claim, member
from tests.plain_head_counts import head_counts
from tests.spark_settings import settings
from tests.worlds_explained import FIRST, PERIODS, SECOND, every_known, settled_world


@pytest.fixture(scope="module")
def world(spark, tmp_path_factory):
    return settled_world(spark, tmp_path_factory.mktemp("explained"), seed=5)


@pytest.fixture(scope="module")
def known_of(world):
    """By period, then by (plan, member): the facts read from the tables."""
    return {
        period: {(known.plan.plan_id, member_id): known for member_id, known in every_known(world, period)}
        for period in PERIODS
    }


def test_explanations_agree_with_the_tables_for_every_member(known_of):
    seen, markers = Counter(), Counter()
    for key, known in ((key, known) for facts in known_of.values() for key, known in facts.items()):
        explanation, row = explain(known), known.assessment
        assert explanation["follows"], (key, explanation)
        assert (explanation["cover"] == COVERED) == (row is not None), (key, explanation)
        seen[explanation["cover"], known.rules.rounding] += 1
        if row is None:
            assert not explanation["charged"] and explanation["because"].startswith("Not charged, because")
            continue
        fen = {step["name"]: step["amount_fen"] for step in explanation["steps"]}
        markers[row["marker"], "one fen more" in fen] += 1
        assert fen["benefits"] + fen["fee"] + fen["brought forward"] + fen["per-case cap"] == fen["pool"]
        assert (fen["fee"], fen["pool"]) == (known.pool["fee_fen"], known.pool["pool_fen"])
        assert fen["share"] + fen.get("one fen more", 0) == row["share_fen"]
        assert row["share_fen"] + fen.get("sponsor", 0) == fen["due"] == row["due_fen"] == explanation["due_fen"]
    assert {"covered", "exited", "not_yet_joined", "no_membership", "held", "lapsed", "helped"} == {c for c, _ in seen}
    assert {marker for marker, _ in markers} == {None, "yearly_cap", "first_month_waiver", "funded_period"}
    assert {more for _, more in markers} == {True, False}, "some pay one fen more, some do not"


def test_a_difference_of_one_fen_is_noticed_for_every_member(known_of):
    """Every assessment, with one fen more or less in the share, the sponsored part or the due."""
    for key, known in ((key, known) for facts in known_of.values() for key, known in facts.items()):
        for column in ("share_fen", "sponsored_fen", "due_fen") if known.assessment else ():
            for fen in (-1, 1):
                wrong = {**known.assessment, column: known.assessment[column] + fen}
                wrong["due_fen"] = (
                    wrong["due_fen"] if column == "due_fen" else wrong["share_fen"] - wrong["sponsored_fen"]
                )
                assert not explain(replace(known, assessment=wrong))["follows"], (key, column, fen)


def test_the_command_reads_the_rows_of_one_member(world, known_of):
    """One member of each kind: the command's document equals the explanation of rows read without the command."""
    wanted = {}
    for period, facts in known_of.items():
        for (plan_id, member_id), known in facts.items():
            row = known.assessment or {}
            has_lapsed = bool(known.lapsed_on or known.lapsed_since)
            kind = (cover_on(known)[0], row.get("marker"), has_lapsed, bool(known.collection), known.members_before)
            wanted.setdefault((*kind[:4], kind[4] is not None), (period, plan_id, member_id, known))
    kinds = {(cover, lapsed) for cover, _, lapsed, *_ in wanted}
    assert {("covered", True), ("lapsed", True), ("helped", False)} <= kinds, "a lapse known later, one known before"
    for period, plan_id, member_id, known in wanted.values():
        if not (known.spells or known.held):
            continue
        ended = world.run("explain", "--member", str(member_id), "--period", period, "--plan", plan_id)
        assert ended.exit_code == 0, ended.err
        assert ended.document["plans"] == [json.loads(json.dumps(explain(known), default=str))], (period, member_id)


def test_the_head_counts_of_the_report_equal_a_plain_count(world):
    ended = world.run("report", "--period", SECOND, "--floor", "2")
    assert ended.exit_code == 0, ended.err
    plans = {row["plan_id"] for row in world.table("settled/pools", period=SECOND)}
    key = lambda row: (row["plan_id"], row["member_id"], row["joined_on"])  # noqa: E731
    held = {key(row) for row in world.table("control/quarantine_members")}
    sound = [row for row in world.world.members if row["plan_id"] in plans and key(row) not in held]
    assessed = {(row["plan_id"], row["member_id"]) for row in world.table("settled/assessments", period=SECOND)}
    expected = head_counts(sound, assessed, world.publicity_on(FIRST), world.publicity_on(SECOND))
    assert {measure for _, measure in expected} == {"covered", "joined", "ended"}, "the world has all of them"
    reported: dict[tuple, Counter] = {}
    for row in ended.document["summary"]:
        if row["topic"] == "members":
            traits = GroupTraits(row["tier"], row["age_band"], row["member_months"], row["item"])
            reported.setdefault((row["plan_id"], row["measure"]), Counter())[traits] += row["quantity"]
    assert reported == {of: coarsened(counts, 2) for of, counts in expected.items()}


@pytest.fixture
def many_files(lake, tmp_path):
    """Sixty members in six source files ordered by id, settled into several files like a large lake; 32 pays for 33."""
    lake.load([], [claim(1, 2, approved_aid_fen=600)])
    few_bytes = {"spark.sql.files.maxPartitionBytes": "1k", "spark.sql.files.openCostInBytes": "1"}
    members = [member(i, payer_id=32 if i == 33 else i) for i in range(2, 62)]
    for start in range(0, 60, 10):
        lake.write("source/members", members[start : start + 10], "append")
    with settings(lake.spark, few_bytes):
        ended = lake.settle(PERIOD, "--conf", str(write_conf(tmp_path / "large.toml", few_rows_most=0)))
    assert ended.exit_code == 0, ended.err
    return lake


def files_without(lake, name: str, column: str, number: int) -> list[Path]:
    """The table's data files in which no row has this number in the column; every file is read."""
    files = DeltaTable(str(lake.folder / name)).file_uris()
    return [Path(file) for file in files if number not in pq.read_table(file, columns=[column])[column].to_pylist()]


def test_only_the_files_that_may_hold_the_member_are_read(many_files):
    """Without the data files that cannot hold the member, the explanation and the payer's year stay the same."""
    lake = many_files
    words = {"member": ("--member", "32", "--period", PERIOD), "payer": ("--payer", "32", "--year", "2020")}
    before = {name: lake.run("explain", *arguments).document for name, arguments in words.items()}
    assert set(before["member"]["files_read"].values()) == {1}, before["member"]["files_read"]
    assert before["payer"]["files_read"] == {"control/publications": 1, "settled/assessments": 1}
    deleted = [("source/members", "member_id"), ("settled/assessments", "payer_id"), ("settled/bills", "payer_id")]
    for name, column in deleted:
        others = files_without(lake, name, column, 32)
        assert len(others) >= 3, f"{name} is in too few files to tell"
        for file in others:
            file.unlink()
    assert {name: lake.run("explain", *arguments).document for name, arguments in words.items()} == before
    assert [row["member_id"] for row in before["payer"]["rows"]] == [32, 33]


def test_the_output_as_json_text_and_page_and_the_statement_of_a_payer(lake, tmp_path):
    lake.load(
        [member(1), member(2, payer_id=1), member(3, joined_on=date(2021, 1, 1))], [claim(1, 2, approved_aid_fen=90)]
    )
    assert lake.settle().exit_code == 0
    page = tmp_path / "why.html"
    words = ("--member", "2", "--period", PERIOD)
    ended = lake.run("explain", *words, "--html", str(page))
    assert ended.document["plans"][0]["due_fen"] == 10  # at most 10 fen a case and member
    text = lake.run("explain", *words, as_json=False).out
    assert "rule per_case_cap = 10" in text and "0.10" in text
    html = page.read_text(encoding="utf-8")
    assert "单案封顶" in html and "per-case cap" in html.lower() and "http" not in html.replace("http-equiv", "")
    later = lake.run("explain", "--member", "3", "--period", PERIOD).document["plans"][0]
    assert "began on 2021-01-01" in later["because"]
    unknown = lake.run("explain", "--member", "99", "--period", PERIOD).document
    assert unknown["plans"] == [] and "no membership" in unknown["because"]
    payer = lake.run("explain", "--payer", "1", "--year", "2020").document
    assert [row["member_id"] for row in payer["rows"]] == [1, 2] and payer["totals"]["due_fen"] == 20
    stranger = lake.run("explain", "--member", "99", "--year", "2020", as_json=False)
    assert stranger.exit_code == 0 and "Nothing was shared" in stranger.out
    for wrong, message in (
        (("--payer", "1", "--period", PERIOD), "--payer goes with --year"),
        (("--member", "1e3", "--period", PERIOD), "'1e3' is not the number of a member"),
        (("--member", str(1 << 63), "--period", PERIOD), "is not the number of a member"),
        (("--member", "1", "--year", "20"), "write it like 2020"),
        (("--member", "1", "--year", "2020", "--plan", "x"), "has no such plan"),
        (("--member", "1", "--period", PERIOD, "--html", "/no/such/folder/x.html"), "no such folder"),
    ):
        ended = lake.run("explain", *wrong)
        assert ended.exit_code == 2 and message in ended.err, (wrong, ended.err)
    assert lake.run("explain", "--member", "1", "--period", "2020-12-P2").exit_code == 4


def test_a_changed_row_is_reported_with_exit_code_6(settled, tmp_path):
    """One fen more in share and due under ceil_fen: the row is consistent in itself but not with the rules."""
    assessments = DeltaTable(str(settled.folder / "settled/assessments"))
    assessments.update(updates={"share_fen": "share_fen + 1", "due_fen": "due_fen + 1"}, predicate="member_id = 4")
    page, words = tmp_path / "why.html", ("--member", "4", "--period", PERIOD)
    ended = settled.run("explain", *words, "--html", str(page))
    assert ended.exit_code == 6
    (plan,) = ended.document["plans"]
    assert plan["follows"] is False and plan["due_fen"] == 11
    sentence = "settled/assessments, share_fen holds 11 fen, by the rules it is 10 fen; difference +1 fen."
    assert sentence in ended.err and f"period {PERIOD}" in ended.err and "Nothing was changed" in ended.err
    assert "与规则不符" in page.read_text(encoding="utf-8")
    text = settled.run("explain", *words, as_json=False)
    assert text.exit_code == 6 and sentence in text.out
    right = settled.run("explain", "--member", "5", "--period", PERIOD)
    assert right.exit_code == 0 and right.document["plans"][0]["follows"] and right.err.count("rules") == 0


def test_a_member_held_at_settlement_is_explained_after_the_source_is_corrected(lake):
    people = [member(1), member(2), member(3, sex="X")]
    lake.load(people, [claim(1, 2, approved_aid_fen=90)])
    assert lake.settle().exit_code == 0
    lake.load([*people[:2], member(3)], [])
    assert lake.settle("2020-12-P2").exit_code == 0
    then = lake.run("explain", "--member", "3", "--period", PERIOD)
    assert then.exit_code == 0 and "member_sex_unknown" in then.document["plans"][0]["because"]
    now = lake.run("explain", "--member", "3", "--period", "2020-12-P2")
    assert now.exit_code == 0 and now.document["plans"][0]["charged"] is False  # no share is due in this period
    assert now.document["plans"][0]["cover"] == COVERED
