"""P9: what is explained is what the tables hold, for every member of a small world; and the command in its three
forms."""

from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from jobs.explaining.explanation import Known, cover_on, explain
from jobs.reporting.masking import GroupTraits, coarsened
from jobs.rulebook import load_platform
from jobs.settlement.coverage import COVERED
from tests.lakes import PERIOD, claim, member
from tests.plain_head_counts import head_counts
from tests.worlds_seeded import small_world

FIRST, SECOND = "2019-12-P2", "2020-01-P1"


@pytest.fixture(scope="module")
def world_and_lake(spark, tmp_path_factory):
    from tests.lakes import LakeFolder

    platform = load_platform("xianghubao")
    world = small_world(platform, 5, FIRST, SECOND, persons=40, claim_counts=(1, 2))
    lake = LakeFolder(spark, tmp_path_factory.mktemp("explained")).load(world.members, world.claims)
    conf = lake.folder.parent / "free.toml"
    conf.write_text(
        'platform = "xianghubao"\n[quality]\nquarantine_ceiling_members_ppm = 1000000\n'
        "quarantine_ceiling_claims_ppm = 1000000\nquarantine_ceiling_floor_rows = 0\n[lock]\nlease_seconds = 60\n"
    )
    for period in (FIRST, SECOND):
        assert lake.settle(period, "--conf", str(conf)).exit_code == 0
    return platform, world, lake, conf


def table(lake, name, period=None):
    rows = DeltaTable(str(lake.folder / name)).to_pyarrow_table().to_pylist()
    return [row for row in rows if period in (None, row.get("period", period))]


def spells_of(rows, plan_id, member_id):
    return [r for r in rows if (r["plan_id"], r["member_id"]) == (plan_id, member_id) and r["joined_on"]]


def every_known(platform, world, lake, period):
    """Of every plan settled and every member id there is: what the tables hold."""
    publicity_on = platform.calendar.publicity_on(platform.calendar.period(period))
    assessments = {(r["plan_id"], r["member_id"]): r for r in table(lake, "settled/assessments", period)}
    held, benefits = table(lake, "control/quarantine_members"), table(lake, "settled/benefits", period)
    bills = {(r["plan_id"], r["payer_id"]): r for r in table(lake, "settled/bills", period)}
    for pool in table(lake, "settled/pools", period):
        plan_id = pool["plan_id"]
        for member_id in sorted({r["member_id"] for r in world.members if r["member_id"] is not None}):
            row = assessments.get((plan_id, member_id))
            yield member_id, Known(
                plan=platform.plans[plan_id], period=period, publicity_on=publicity_on,
                spells=spells_of(world.members, plan_id, member_id), held=spells_of(held, plan_id, member_id),
                lapsed_on=[], pool=pool,
                rates=[r for r in table(lake, "settled/rates", period) if r["plan_id"] == plan_id],
                claims_by_marker=Counter(r["marker"] for r in benefits if r["plan_id"] == plan_id), borne_fen=0,
                helped=any(r["counted"] and (r["plan_id"], r["member_id"]) == (plan_id, member_id) for r in benefits),
                assessment=row, bill=bills.get((plan_id, row["payer_id"])) if row else None,
            )  # fmt: skip


def test_explanation_and_tables_say_the_same_of_every_member(world_and_lake):
    platform, world, lake, _ = world_and_lake
    seen = Counter()
    for period in (FIRST, SECOND):
        for member_id, known in every_known(platform, world, lake, period):
            told, row = explain(known), known.assessment
            cover, _ = cover_on(known)
            seen[cover, row is not None] += 1
            assert (cover == COVERED) == (row is not None), (member_id, told)
            if row is None:
                assert not told["charged"] and told["because"].startswith("Not charged, because")
                continue
            fen = {step["name"]: step["amount_fen"] for step in told["steps"]}
            assert fen["benefits"] + fen["fee"] + fen["brought forward"] + fen["per-case cap"] == fen["pool"]
            assert fen["fee"] == known.pool["fee_fen"]
            assert fen["share"] + fen.get("one fen more", 0) == row["share_fen"]
            assert row["share_fen"] + fen.get("sponsor", 0) == fen["due"] == row["due_fen"] == told["due_fen"]
    assert {
        ("covered", True),
        ("exited", False),
        ("not_yet_joined", False),
        ("no_membership", False),
        ("held", False),
    } <= set(seen)


def test_the_command_finds_the_rows_of_one_member(world_and_lake):
    platform, world, lake, conf = world_and_lake
    wanted = {}
    for member_id, known in every_known(platform, world, lake, SECOND):
        wanted.setdefault(cover_on(known)[0], (member_id, known))
    for member_id, known in (wanted["covered"], wanted["exited"]):
        words = ("--member", str(member_id), "--period", SECOND, "--plan", known.plan.plan_id, "--conf", str(conf))
        ended = lake.run("explain", *words)
        assert ended.exit_code == 0, ended.err
        found = ended.document["plans"][0]
        assert [s["name"] for s in found["steps"]] == [s["name"] for s in explain(known)["steps"]]
        assert {k: found[k] for k in ("charged", "cover", "due_fen")} == {
            k: explain(known)[k] for k in ("charged", "cover", "due_fen")
        }


def test_the_head_counts_of_the_report_are_those_counted_plainly(world_and_lake):
    platform, world, lake, conf = world_and_lake
    ended = lake.run("report", "--period", SECOND, "--conf", str(conf), "--floor", "2")
    assert ended.exit_code == 0, ended.err
    day_of = lambda period: platform.calendar.publicity_on(platform.calendar.period(period))  # noqa: E731
    plans = {row["plan_id"] for row in table(lake, "settled/pools", SECOND)}
    key = lambda row: (row["plan_id"], row["member_id"], row["joined_on"])  # noqa: E731
    held = {key(row) for row in table(lake, "control/quarantine_members")}
    sound = [row for row in world.members if row["plan_id"] in plans and key(row) not in held]
    assessed = {(row["plan_id"], row["member_id"]) for row in table(lake, "settled/assessments", SECOND)}
    expected = head_counts(sound, assessed, day_of(FIRST), day_of(SECOND))
    assert {measure for _, measure in expected} == {"covered", "joined", "ended"}, "the world has all of them"
    found: dict[tuple, Counter] = {}
    for row in ended.document["summary"]:
        if row["topic"] == "members":
            traits = GroupTraits(row["tier"], row["age_band"], row["member_months"], row["item"])
            found.setdefault((row["plan_id"], row["measure"]), Counter())[traits] += row["quantity"]
    assert found == {of: coarsened(counts, 2) for of, counts in expected.items()}


@pytest.fixture
def many_files(lake):
    """Sixty members in six files of the source in the order of ids, settled into several files; 32 pays for 33."""
    lake.load([], [claim(1, 2, approved_aid_fen=600)])
    few_bytes = {"spark.sql.files.maxPartitionBytes": "1k", "spark.sql.files.openCostInBytes": "1"}
    members = [member(i, payer_id=32 if i == 33 else i) for i in range(2, 62)]
    for start in range(0, 60, 10):
        lake.write("source/members", members[start : start + 10], "append")
    for key, value in few_bytes.items():
        lake.spark.conf.set(key, value)
    ended = lake.settle()
    for key in few_bytes:
        lake.spark.conf.unset(key)
    assert ended.exit_code == 0, ended.err
    return lake


def files_without(lake, name: str, column: str, number: int) -> list[Path]:
    """The table's data files in which no row has the number in the column, read one by one."""
    files = DeltaTable(str(lake.folder / name)).file_uris()
    return [Path(file) for file in files if number not in pq.read_table(file, columns=[column])[column].to_pylist()]


def test_a_few_files_are_read_and_not_the_table(many_files):
    """Every data file that cannot hold the member is taken away: the explanation and the payer's year stay the same."""
    lake = many_files
    words = {"member": ("--member", "32", "--period", PERIOD), "payer": ("--payer", "32", "--year", "2020")}
    before = {name: lake.run("explain", *of).document for name, of in words.items()}
    assert set(before["member"]["files_read"].values()) == {1}, before["member"]["files_read"]
    assert before["payer"]["files_read"] == {"control/publications": 1, "settled/assessments": 1}
    taken = [("source/members", "member_id"), ("settled/assessments", "payer_id"), ("settled/bills", "payer_id")]
    for name, column in taken:
        others = files_without(lake, name, column, 32)
        assert len(others) >= 3, f"{name} is in too few files to tell"
        for file in others:
            file.unlink()
    assert {name: lake.run("explain", *of).document for name, of in words.items()} == before
    assert [row["member_id"] for row in before["payer"]["rows"]] == [32, 33]


def test_three_forms_and_a_statement(lake, tmp_path):
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
    nobody = lake.run("explain", "--member", "99", "--period", PERIOD).document
    assert nobody["plans"] == [] and "no membership" in nobody["because"]
    payer = lake.run("explain", "--payer", "1", "--year", "2020").document
    assert [row["member_id"] for row in payer["rows"]] == [1, 2] and payer["totals"]["due_fen"] == 20
    stranger = lake.run("explain", "--member", "99", "--year", "2020", as_json=False)
    assert stranger.exit_code == 0 and "Nothing was shared" in stranger.out
    for wrong, told in (
        (("--payer", "1", "--period", PERIOD), "--payer goes with --year"),
        (("--member", "1e3", "--period", PERIOD), "'1e3' is not the number of a member"),
        (("--member", str(1 << 63), "--period", PERIOD), "is not the number of a member"),
        (("--member", "1", "--year", "20"), "write it like 2020"),
        (("--member", "1", "--year", "2020", "--plan", "x"), "has no such plan"),
        (("--member", "1", "--period", PERIOD, "--html", "/no/such/folder/x.html"), "no such folder"),
    ):
        ended = lake.run("explain", *wrong)
        assert ended.exit_code == 2 and told in ended.err, (wrong, ended.err)
    assert lake.run("explain", "--member", "1", "--period", "2020-12-P2").exit_code == 4
