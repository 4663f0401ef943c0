"""A closed stdout or stderr never ends a run, and progress is never part of the JSON on stdout."""

import json

from tests.lakes import PERIOD, claim, member, receipt
from tests.programs import shell, words_of
from tests.published import published_jobs


def test_runs_continue_when_their_output_goes_nowhere(quick_conf, lake):
    lake.load([member(i) for i in range(1, 11)], [claim(1, 7, approved_aid_fen=90)])
    lake.write("source/receipts", [receipt(i, i, 10) for i in range(3, 11)])

    def words(job):
        return words_of(lake, quick_conf, job, "--period", PERIOD)

    ended = shell('{ "$@" 2>&1; echo "exit code $?" >&9; } 9>&2 | head -1', words("settle"))
    assert ended.stderr == "exit code 0\n"
    assert ended.stdout.count("\n") == 1 and "] pinning" in ended.stdout
    assert published_jobs(lake) == {"settle"}

    ended = shell('"$@" --json 2>&-', words("collect"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["period"] == PERIOD
    assert published_jobs(lake) == {"settle", "collect"}

    ended = shell('"$@" >&-', words("settle"))
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_result_that_cannot_be_written_is_an_error(quick_conf, tmp_path):
    class Empty:
        folder = tmp_path

    ended = shell('"$@" >/dev/full', words_of(Empty, quick_conf, "status"))
    assert ended.returncode == 1
    assert "The result could not be written to standard output (No space left on device)" in ended.stderr
    assert "Traceback" not in ended.stderr
