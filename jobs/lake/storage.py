"""Files beside the tables, and where the run lock is kept: a file of a local folder, elsewhere a Delta table.

Both locks change by comparing and swapping: of two who have read the same content only one can put another in its
place.
"""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Protocol

import deltalake.exceptions as delta_errors
from deltalake import CommitProperties, DeltaTable, write_deltalake

from jobs.lake.small import SmallTables, arrow_table
from schemas import TABLES

LOCK_FILE = "control/_lock.json"
LOCK = TABLES["control/lock"]
# Every renewal is a commit: a lock needs no history.
LOCK_LOG = {
    "delta.checkpointInterval": "10",
    "delta.logRetentionDuration": "interval 1 day",
    "delta.deletedFileRetentionDuration": "interval 1 day",
}


class LockStorage(Protocol):
    """Holds one text, or none. `exchange` writes only where the text still is the one that was read (None: none), and
    says whether it did; None as new content removes it."""

    def read(self) -> str | None: ...
    def exchange(self, found: str | None, content: str | None) -> bool: ...


def is_local(root: str) -> bool:
    """Whether a lake root is a folder of this machine."""
    return "://" not in root or root.startswith("file://")


def local_folder(root: str) -> Path:
    """The folder of a local lake root."""
    return Path(root.removeprefix("file://").removeprefix("file:"))


def lock_storage(small: SmallTables) -> LockStorage:
    """Where the lock of a lake is kept."""
    return LocalLock(local_folder(small.root) / LOCK_FILE) if is_local(small.root) else DeltaLock(small)


def write_text(small: SmallTables, name: str, content: str) -> str:
    """Writes a file of text below the lake's root over what is there; gives its path."""
    if not is_local(small.root):
        from deltalake.fs import DeltaStorageHandler

        folder, _, file = name.rpartition("/")
        handler = DeltaStorageHandler(f"{small.root}/{folder}", small.options)
        stream = handler._handler.open_output_stream(file, None)  # the public one hands it buffers, which it refuses
        stream.write(content.encode())
        stream.close()
        return f"{small.root}/{name}"
    path = local_folder(small.root) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace_file(path, content)
    return str(path)


def _replace_file(path: Path, content: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)  # never seen half-written


class LocalLock:
    """A file of this machine."""

    def __init__(self, path: Path):
        self._path = path

    def read(self) -> str | None:
        with contextlib.suppress(FileNotFoundError):
            return self._path.read_text(encoding="utf-8")
        return None

    def exchange(self, found: str | None, content: str | None) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # ends with the program, however that ends
            if self.read() != found:
                return False
            if content is None:
                self._path.unlink(missing_ok=True)
            else:
                _replace_file(self._path, content)
            return True
        finally:
            os.close(folder)


class DeltaLock:
    """A table of one row: a commit is there or not, and of two that follow one version only one is."""

    def __init__(self, small: SmallTables):
        self._small = small

    def read(self) -> str | None:
        rows = self._small.rows(LOCK.name)
        return rows[0]["owner"] if rows else None

    def exchange(self, found: str | None, content: str | None) -> bool:
        path, options = self._small.path(LOCK.name), self._small.options
        rows = arrow_table(LOCK, [] if content is None else [{"owner": content}])
        once = CommitProperties(max_commit_retries=0)  # with retries two could follow one version
        try:
            if not self._small.exists(LOCK.name):
                if found is not None:
                    return False
                write_deltalake(
                    path, rows, mode="error", configuration=LOCK_LOG, storage_options=options, commit_properties=once
                )
                return True
            table = DeltaTable(path, storage_options=options)
            if self._small.rows(LOCK.name, version=table.version()) != ([{"owner": found}] if found else []):
                return False
            write_deltalake(table, rows, mode="overwrite", commit_properties=once)
            return True
        except (delta_errors.CommitFailedError, delta_errors.DeltaError):
            if self.read() == found:  # nobody was quicker: it is the storage that fails
                raise
            return False
