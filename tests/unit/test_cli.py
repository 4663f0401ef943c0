"""Output of the command line, for any command."""

import os
import subprocess
import sys


def test_a_closed_output_pipe_is_no_error():
    read_end, write_end = os.pipe()
    os.close(read_end)
    ended = subprocess.run(
        [sys.executable, "-c", "from jobs.cli import write_result; write_result('x' * 100_000)"],
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write_end)
    assert (ended.returncode, ended.stderr) == (0, "")
