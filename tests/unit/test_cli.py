"""What the command line does with its output, whatever the command."""

import os
import subprocess
import sys


def test_a_reader_who_has_seen_enough_is_no_error():
    seen_by, told_to = os.pipe()
    os.close(seen_by)
    told = subprocess.run(
        [sys.executable, "-c", "from jobs.cli import write_result; write_result('x' * 100_000)"],
        stdout=told_to,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(told_to)
    assert (told.returncode, told.stderr) == (0, "")
