"""What a worker of Python does between two tasks of Spark."""

import subprocess
import sys

PROGRAM = """
import gc, importlib, sys, zipfile
from jobs.lake.task_files import make_next_tasks_quick

archive = sys.argv[1]
with zipfile.ZipFile(archive, "w") as members:
    members.writestr("first_in_archive.py", "")
    members.writestr("second_in_archive.py", "")
sys.path.append(archive)
opened = []
sys.addaudithook(lambda event, arguments: event == "open" and opened.append(arguments[0]))
import first_in_archive

opened.clear()
importlib.invalidate_caches()
assert archive in opened, "Python reads the archive again: if it no longer does, nothing need be saved"
make_next_tasks_quick()
opened.clear()
importlib.invalidate_caches()
assert archive not in opened
import second_in_archive

frozen_count = gc.get_freeze_count()
kept = [[] for _ in range(1000)]
make_next_tasks_quick()
assert 0 < gc.get_freeze_count() == frozen_count, "what tasks make is not kept for ever"
"""


def test_archives_are_not_read_and_imported_modules_not_collected_before_every_task(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "archive.zip")]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
