"""The run lock: one running process holds a lake; a dead one does not block it, on this machine or another."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from multiprocessing import get_context

import pytest

from jobs.base.errors import IntegrityBroken, Locked, WrongUsage
from jobs.lake.lock import run_lock, this_system
from jobs.lake.small import SmallTables
from jobs.lake.storage import LOCK_FILE

ELSEWHERE = {
    "token": "t", "job": "collect", "period": "2020-11-P2", "host": "elsewhere", "pid": 4_321, "pid_started": "1",
}  # fmt: skip
HERE = ELSEWHERE | {"host": socket.gethostname(), "system": this_system(), "expires_at_seconds": 9e9}
ROUNDS, CONTENDERS, BARRIER_SECONDS = 25, 4, 60


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "control").mkdir()
    return tmp_path


def hold(lake, lease_seconds=60):
    return run_lock(SmallTables(str(lake)), "settle", "2020-12-P1", lease_seconds)


def leave(lake, owner):
    (lake / LOCK_FILE).write_text(json.dumps(owner))


def owner_of(lake):
    return json.loads((lake / LOCK_FILE).read_text())


def test_a_held_lock_names_its_owner_and_is_removed_afterwards(lake):
    with hold(lake) as lock:
        lock.confirm()
        assert (owner_of(lake)["job"], owner_of(lake)["period"], owner_of(lake)["pid"]) == (
            "settle", "2020-12-P1", os.getpid(),
        )  # fmt: skip
        with pytest.raises(Locked, match=f"settle 2020-12-P1 on {socket.gethostname()}, process {os.getpid()}"):
            hold(lake).__enter__()
    assert list((lake / "control").iterdir()) == []


def test_a_lock_is_released_when_the_run_fails(lake):
    with pytest.raises(ZeroDivisionError), hold(lake):
        raise ZeroDivisionError
    assert not (lake / LOCK_FILE).exists()


def test_a_lock_of_another_machine_holds_until_its_lease_expires(lake):
    leave(lake, ELSEWHERE | {"expires_at_seconds": time.time() + 50})
    with pytest.raises(Locked, match=r"collect 2020-11-P2 on elsewhere.*expires in (50|49) seconds"):
        hold(lake).__enter__()
    leave(lake, ELSEWHERE | {"expires_at_seconds": time.time() - 1})
    with hold(lake) as lock:
        lock.confirm()


@pytest.mark.parametrize(
    "left",
    [
        json.dumps(HERE | {"pid": 2**22 + 1}),  # no such process
        json.dumps(HERE | {"pid": os.getpid()}),  # the pid now belongs to another process
        '{"token": "half a lo',  # killed while it wrote
        "",
    ],
    ids=["dead", "number used again", "half written", "empty"],
)
def test_the_lock_of_a_dead_run_is_taken_over_at_once(lake, left):
    (lake / LOCK_FILE).write_text(left)
    with hold(lake) as lock:
        lock.confirm()
        assert owner_of(lake)["pid"] == os.getpid()


def test_a_lease_is_renewed_during_the_run(lake):
    with hold(lake, lease_seconds=1):
        first = owner_of(lake)["expires_at_seconds"]
        time.sleep(0.6)
        assert owner_of(lake)["expires_at_seconds"] > first


def test_a_run_that_lost_its_lock_does_not_publish_and_keeps_the_new_owner_s_lock(lake):
    with hold(lake) as lock:
        leave(lake, HERE | {"token": "the other's"})
        with pytest.raises(IntegrityBroken, match="nothing was published"):
            lock.confirm()
    assert owner_of(lake)["token"] == "the other's"


# A run that holds the lock; at every line of its stdin it commits a row.
RUN = """
import sys
from jobs.lake.lock import LockLost, run_lock
from jobs.lake.small import SmallTables
from schemas import TABLES
small = SmallTables(sys.argv[1])
row = {"plan_id": "p", "period": "2020-12-P1", "job": "settle", "run_id": "first"}
with run_lock(small, "settle", "2020-12-P1", lease_seconds=1):
    print("held", flush=True)
    for command in sys.stdin:
        try:
            if command.strip() == "append":
                small.append(TABLES["control/runs"], [row], "first")
            elif command.strip() == "replace":
                small.replace(TABLES["control/runs"], [row], "run_id = 'first'", "first")
            else:
                small.delete("control/runs", "run_id = 'first'", "first")
            print("committed", flush=True)
        except LockLost:
            print("lost", flush=True)
"""


@contextmanager
def other_run(lake):
    """Another process that holds the lock; yields it, and a function that lets it commit and returns what it says."""
    program = subprocess.Popen(
        [sys.executable, "-c", RUN, str(lake)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def let_commit(how: str) -> str:
        program.stdin.write(f"{how}\n")
        program.stdin.flush()
        return program.stdout.readline().strip()

    try:
        assert program.stdout.readline() == "held\n"
        yield program, let_commit
    finally:
        program.kill()
        program.communicate()


@contextmanager
def suspended(program):
    """The process is suspended for longer than its lease."""
    program.send_signal(signal.SIGSTOP)
    try:
        yield
        time.sleep(1.2)
    finally:
        program.send_signal(signal.SIGCONT)


def test_a_run_that_was_suspended_and_lost_its_lock_commits_nothing_more(lake):
    with other_run(lake) as (program, let_commit):
        assert let_commit("append") == "committed"
        with suspended(program):
            leave(lake, HERE | {"token": "the other's"})
        assert [let_commit(how) for how in ("append", "replace", "delete")] == ["lost"] * 3
        small = SmallTables(str(lake))
        assert (small.rows("control/runs", columns=["run_id"]), small.version("control/runs")) == (
            [{"run_id": "first"}], 0,
        )  # fmt: skip
        assert owner_of(lake)["token"] == "the other's"


def test_a_suspended_run_whose_lock_no_one_took_goes_on(lake):
    with other_run(lake) as (program, let_commit):
        with suspended(program):
            pass
        assert let_commit("append") == "committed"
        assert owner_of(lake)["expires_at_seconds"] > time.time()


def test_a_process_of_another_container_on_this_machine_holds_until_its_lease_expires(lake):
    other = HERE | {"system": "another container's", "pid": 2**22 + 1}
    leave(lake, other | {"expires_at_seconds": time.time() + 50})
    with pytest.raises(Locked):
        hold(lake).__enter__()
    leave(lake, other | {"expires_at_seconds": time.time() - 1})
    with hold(lake) as lock:
        lock.confirm()


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="only Linux tells")
def test_a_run_that_was_killed_is_dead_before_its_parent_takes_note(lake):
    with other_run(lake) as (program, _):
        with pytest.raises(Locked):
            hold(lake).__enter__()
        program.kill()
        os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the list of processes
        with hold(lake) as lock:
            lock.confirm()


def test_a_file_in_place_of_the_control_folder_is_not_writable(tmp_path):
    (tmp_path / "control").write_text("a file in the folder's place")
    with pytest.raises(WrongUsage, match="not writable"):
        hold(tmp_path).__enter__()


@pytest.mark.parametrize("left", [None, HERE | {"pid": 2**22 + 1}], ids=["free", "left by a dead run"])
def test_exactly_one_of_simultaneous_runs_gets_the_lock(lake, left):
    """Separate processes, many rounds; the holder releases the lock only after every process has tried."""
    spawn = get_context("spawn")
    barrier, held = spawn.Barrier(CONTENDERS), spawn.Array("i", ROUNDS)
    contenders = [
        spawn.Process(target=contend, args=(lake, left, number, barrier, held)) for number in range(CONTENDERS)
    ]
    for contender in contenders:
        contender.start()
    for contender in contenders:
        contender.join()
    assert [contender.exitcode for contender in contenders] == [0] * CONTENDERS
    assert list(held) == [1] * ROUNDS, "how many held the lock at one time"


def contend(lake, left, number, barrier, held):
    """One contender: tries once in every round and counts a success."""
    for turn in range(ROUNDS):
        if left and number == 0:
            leave(lake, left)
        barrier.wait(BARRIER_SECONDS)
        with suppress(Locked), hold(lake):
            with held.get_lock():
                held[turn] += 1
            barrier.wait(BARRIER_SECONDS)
            barrier.wait(BARRIER_SECONDS)
            continue
        barrier.wait(BARRIER_SECONDS)
        barrier.wait(BARRIER_SECONDS)
