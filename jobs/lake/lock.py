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


class RunLock:
    """A held lock. Call `confirm` right before a commit point: it raises if the lock was lost."""

    def __init__(self, storage: LockStorage, owner: dict, lease_seconds: int):
        self._storage = storage
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._released = threading.Event()
        self._renewer = threading.Thread(target=self._renew, daemon=True)
        self._renewer.start()

    def confirm(self) -> None:
        """Raises IntegrityBroken if another run has taken the lock over."""
        held_by = _owner_in(self._storage)
        if held_by is None or held_by["token"] != self._owner["token"]:
            raise IntegrityBroken(
                "The run lock was lost to another run, so nothing was published. Run `fentan status`, then run this "
                "again."
            )

    def release(self) -> None:
        """Ends the renewal and removes the lock, unless another run has taken it over."""
        self._released.set()
        self._renewer.join()
        with contextlib.suppress(OSError, DeltaError):  # out of reach: the lease ends by itself
            self._storage.exchange(json.dumps(self._owner), None)

    def _renew(self) -> None:
        while not self._released.wait(self._lease_seconds / 4):
            renewed = self._owner | {"expires_at_seconds": time.time() + self._lease_seconds}
            with contextlib.suppress(OSError, DeltaError):  # out of reach for a moment: the next turn tries again
                if not self._storage.exchange(json.dumps(self._owner), json.dumps(renewed)):
                    return
                self._owner = renewed


@contextlib.contextmanager
def run_lock(small: SmallTables, job: str, period: str, lease_seconds: int) -> Iterator[RunLock]:
    """Holds the lake's run lock; raises Locked if another run holds it, WrongUsage if the lake is not writable."""
    storage = lock_storage(small)
    owner = {
        "token": uuid.uuid4().hex,
        "job": job,
        "period": period,
        "host": socket.gethostname(),
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
    try:
        yield lock
    finally:
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
    """On this machine the operating system knows whether the process is running; elsewhere the lease decides."""
    if owner["host"] == socket.gethostname():
        return _start_of(owner["pid"]) == owner["pid_started"] and owner["pid_started"] is not None
    return time.time() < owner["expires_at_seconds"]


def _start_of(pid: int) -> str | None:
    """The start of a process, which differs from that of a later one with the same number; None: no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            return stat.read_text().rsplit(")", 1)[1].split()[19]
        except OSError:
            return None
    try:
        os.kill(pid, 0)
    except OSError:
        return None
    return "unknown"
