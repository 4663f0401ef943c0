"""Programs killed with SIGKILL as soon as they announce a stage."""

import os
import signal
import subprocess
import sys


def killed_when_it_says(stage: str, lake, job: str, period: str, *words: str) -> int:
    """Runs the job as a program of its own and kills it at the stage; gives how it ended (-9: killed)."""
    command = [sys.executable, "-m", "jobs.cli", job, "--lake", str(lake.folder), "--period", period, *words]
    program = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ.copy()
    )
    for line in program.stderr:
        if stage in line:
            program.send_signal(signal.SIGKILL)
            break
    program.stderr.close()
    return program.wait(timeout=120)
