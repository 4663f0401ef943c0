"""Arguments of `fentan generate`: sizes, rates, and refused ones."""

import argparse

import pytest

from jobs.commands.generate import _rate_ppm
from jobs.commands.options import member_count

SMALL = ["--members", "3k", "--periods", "2020-11-P2..2020-12-P1"]


@pytest.mark.parametrize(
    ("text", "count"), [("1", 1), ("1_000_000", 1_000_000), ("100k", 100_000), ("1m", 1_000_000), ("1.5M", 1_500_000)]
)
def test_a_size_may_be_written_in_several_ways(text, count):
    assert member_count(text) == count


@pytest.mark.parametrize("text", ["0", "-5", "1.5", "k", "1g", "many", "0.0001k", ""])
def test_a_size_that_is_not_a_whole_number_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number of members"):
        member_count(text)


@pytest.mark.parametrize(
    ("text", "ppm"), [("0", 0), ("0.001", 1_000), ("0.1%", 1_000), ("1", 1_000_000), ("100%", 1_000_000)]
)
def test_a_rate_is_exact(text, ppm):
    assert _rate_ppm(text) == ppm


@pytest.mark.parametrize("text", ["-0.1", "1.1", "0.0000001", "x", "nan", "inf", "", "%"])
def test_an_invalid_rate_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not a rate"):
        _rate_ppm(text)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--members and --periods must be given"),
        (["--members", "3k"], "--periods must be given"),
        ([*SMALL, "--scale", "10"], "--scale goes with --published only"),
        (["--published", "2020-12-P1", "--members", "3k"], "leave out --members"),
        (["--published", "2020-12-P1", "--scale", "7"], "members and amounts would not be whole"),
        (["--members", "3k", "--periods", "2020-12-P1"], "write a range like"),
        (["--members", "3k", "--periods", "2020-12-P1..2020-11-P1"], "comes after"),
        (["--members", "3k", "--periods", "2020-12-P1..2020-12-P3"], "has 2 periods a month"),
        ([*SMALL, "--plan", "no_such_plan"], "no_such_plan is unknown"),
        (["--members", "3k", "--periods", "2019-02-P1..2019-03-P1", "--plan", "chronic"], "has members by 2019-03-P1"),
    ],
)
def test_wrong_usage_is_reported_in_one_line_and_nothing_is_written(lake, words, says):
    ended = lake.run("generate", *words)
    assert ended.exit_code == 2
    assert says in ended.document["error"]
    assert not lake.exists("source/members")


def test_a_folder_that_cannot_be_created_is_reported(spark, tmp_path):
    from tests.lakes import LakeFolder

    lake = LakeFolder(spark, tmp_path)
    (tmp_path / "file").write_text("")
    lake.folder = tmp_path / "file" / "lake"
    ended = lake.run("generate", *SMALL)
    assert ended.exit_code == 2 and "cannot be made" in ended.document["error"]


def test_existing_sources_are_replaced_only_on_request(lake):
    first = lake.run("generate", *SMALL, "--seed", "1")
    assert first.exit_code == 0
    rows = first.document["rows"]
    assert abs(first.document["in_force"] - 3_000) < 60
    assert rows["source/members"] == len(lake.rows("source/members")) > 3_000
    again = lake.run("generate", *SMALL, "--seed", "2")
    assert (
        again.exit_code == 2
        and "source/members" in again.document["error"]
        and "--overwrite" in again.document["error"]
    )
    replaced = lake.run("generate", *SMALL, "--seed", "2", "--overwrite")
    assert replaced.exit_code == 0
    assert len(lake.rows("source/members")) == replaced.document["rows"]["source/members"]
