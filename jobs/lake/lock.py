"""The run lock: one run at a time writes a lake. It has an owner and a lease, so a killed run does not block others."""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from deltalake.exceptions import DeltaError

from jobs.base.errors import IntegrityBroken, Locked, WrongUsage
from jobs.lake.object_stores import reason_of
from jobs.lake.small import SmallTables
from jobs.lake.storage import LockStorage, check_writable, lock_storage

ENDED = ("Z", "X")  # states of processes that have ended, whether or not their parents have taken note


class LockLost(IntegrityBroken):
    """Another run has taken the lock over; this one may write no more, not even how it ended."""


class RunLock:
    """A held lock. A thread renews its lease; `check` and `confirm` raise LockLost once another run has the lock."""

    def __init__(self, storage: LockStorage, owner: dict, lease_seconds: int):
        self._storage = storage
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._exchanging = threading.Lock()
        self._released = threading.Event()
        self._renewer = threading.Thread(target=self._renew_in_time, daemon=True)
        self._renewer.start()

    def check(self) -> None:
        """To be called before every commit; it reads the storage only if the lease has ended.

        A lease ends where the process was suspended or the storage was out of reach. Another run may then have begun.
        """
        if time.time() >= self._owner["expires_at_seconds"]:
            self.confirm()

    def confirm(self) -> None:
        """To be called before a commit point: begins a new lease."""
        if not self._renew():
            raise LockLost(
                "The run lock was lost to another run, so nothing was published. Run `fentan status`, then run this "
                "again."
            )

    def release(self) -> None:
        """Ends the renewal and removes the lock, unless another run has taken it over."""
        self._released.set()
        self._renewer.join()
        with contextlib.suppress(OSError, DeltaError):  # out of reach: the lease ends by itself
            self._storage.exchange(json.dumps(self._owner), None)

    def _renew_in_time(self) -> None:
        while not self._released.wait(self._lease_seconds / 4):
            with contextlib.suppress(OSError, DeltaError):  # out of reach for a moment: the next turn tries again
                if not self._renew():
                    return

    def _renew(self) -> bool:
        """Whether the lock is still held; its lease then begins anew."""
        with self._exchanging:
            renewed = self._owner | {"expires_at_seconds": time.time() + self._lease_seconds}
            if not self._storage.exchange(json.dumps(self._owner), json.dumps(renewed)):
                return False
            self._owner = renewed
            return True


@contextlib.contextmanager
def run_lock(small: SmallTables, job: str, period: str, lease_seconds: int) -> Iterator[RunLock]:
    """Holds the lake's run lock; raises Locked if another run holds it, WrongUsage if the lake is not writable.

    Inside, every commit through `small` first checks that the lock is still held.
    """
    storage = lock_storage(small)
    owner = {
        "token": uuid.uuid4().hex,
        "job": job,
        "period": period,
        "host": socket.gethostname(),
        "system": this_system(),
        "pid": os.getpid(),
        "pid_started": _start_of(os.getpid()),
        "expires_at_seconds": time.time() + lease_seconds,
    }
    try:
        check_writable(small)
        _acquire(storage, owner)
    except (OSError, DeltaError) as error:
        raise WrongUsage(
            f"Lake {small.root}: not writable ({reason_of(error)}). Nothing was done. "
            "Give the user who runs Fentan the right to write there, or name another folder with --lake."
        ) from error
    lock = RunLock(storage, owner, lease_seconds)
    small.before_commit = lock.check
    try:
        yield lock
    finally:
        del small.before_commit
        lock.release()


def _acquire(storage: LockStorage, owner: dict) -> None:
    text = storage.read()
    held_by = _owner_of(text)
    if held_by is not None and _is_alive(held_by):
        raise Locked(_held_message(held_by))
    if not storage.exchange(text, json.dumps(owner)):  # another run acquired it in the meantime
        raise Locked(_held_message(_owner_in(storage) or owner))


def _held_message(held_by: dict) -> str:
    left_seconds = max(0, round(held_by["expires_at_seconds"] - time.time()))
    return (
        f"Another run holds the lake: {held_by['job']} {held_by['period']} on {held_by['host']}, process "
        f"{held_by['pid']}. Nothing was done. Wait for it to end; if it has died, its lock expires in {left_seconds} "
        "seconds."
    )


def _owner_in(storage: LockStorage) -> dict | None:
    return _owner_of(storage.read())


def _owner_of(text: str | None) -> dict | None:
    try:
        return json.loads(text) if text else None
    except json.JSONDecodeError:  # half-written by a run that was killed
        return None


def _is_alive(owner: dict) -> bool:
    """Of a process of this system the operating system knows whether it is running; of another the lease decides."""
    if owner["host"] == socket.gethostname() and owner.get("system") == this_system():
        return owner["pid_started"] is not None and _start_of(owner["pid"]) == owner["pid_started"]
    return time.time() < owner["expires_at_seconds"]


def this_system() -> str | None:
    """What sees the same process numbers: this machine since its last start, or a container of it."""
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{started} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None  # not Linux: the machine's name must do


def _start_of(pid: int) -> str | None:
    """The start of a process, which differs from that of a later one with the same number; None: no such process."""
    if not Path("/proc/self").exists():
        return "unknown" if _exists(pid) else None
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if state in ENDED else rest[18]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # another user's
        return True
    except OSError:
        return False
    return True
