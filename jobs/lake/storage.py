"""Files next to the tables, the first contact with a lake, and the storage of the run lock: a file in a local folder,
elsewhere a Delta table.

Both locks compare and swap: of two runs that have read the same content, only one can replace it.
"""

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO

from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from jobs.base.errors import WrongUsage
from jobs.lake.object_stores import CHECK_OPTIONS, FIRST_CONTACT, SCHEMES, reason_of, scheme_of, unreachable
from jobs.lake.small import SmallTables, arrow_table
from schemas import TABLES

LOCK_FILE = "control/_lock.json"
LOCK_CHARACTERS = 1_000  # an owner has fewer; a text of the same length is replaced even if the disk is full
LOCK = TABLES["control/lock"]
# Every renewal is a commit, and a lock needs no history.
LOCK_LOG = {
    "delta.checkpointInterval": "10",
    "delta.logRetentionDuration": "interval 1 day",
    "delta.deletedFileRetentionDuration": "interval 1 day",
}


class LockStorage(Protocol):
    """Holds one text, or none. `exchange` writes `content` only if the text still is `expected`, and returns whether
    it did; None means no text."""

    def read(self) -> str | None: ...
    def exchange(self, expected: str | None, content: str | None) -> bool: ...


def is_local(root: str) -> bool:
    """Whether a lake root is a folder of this machine."""
    return "://" not in root or root.startswith("file://")


def local_folder(root: str) -> Path:
    """The folder of a local lake root."""
    return Path(root.removeprefix("file://").removeprefix("file:"))


def lock_storage(small: SmallTables) -> LockStorage:
    """The storage of a lake's run lock."""
    return LocalLock(local_folder(small.root) / LOCK_FILE) if is_local(small.root) else DeltaLock(small)


def check_reachable(small: SmallTables) -> None:
    """Raises WrongUsage within seconds where a lake in an object store has no endpoint, bucket or right to read."""
    if scheme_of(small.root) in SCHEMES:
        try:
            DeltaTable.is_deltatable(small.path("control/lake"), {**small.options, **FIRST_CONTACT})
        except (OSError, DeltaError) as error:
            raise unreachable(small.root, error) from error


def check_writable(small: SmallTables) -> None:
    """Writes and deletes a small file where the lake is in an object store; raises OSError without the rights.

    A table written without the rights fails as well, but delta-rs then prints a stack trace.
    """
    if scheme_of(small.root) in SCHEMES:
        name = f"_writable-{uuid.uuid4().hex}"
        _put(small, f"control/{name}", "deleted at once")
        _files_in(small, "control").delete_file(name)


def write_text(small: SmallTables, name: str, content: str) -> str:
    """Writes a text file below the lake's root, replacing an existing one; returns its path.

    Raises WrongUsage where the lake is not a local folder and the file cannot be written.
    """
    if not is_local(small.root):
        return _write_remote(small, name, content)
    path = local_folder(small.root) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace_file(path, content)
    return str(path)


def _write_remote(small: SmallTables, name: str, content: str) -> str:
    try:
        _put(small, name, content)
    except (OSError, DeltaError) as error:
        raise WrongUsage(
            f"{small.root}/{name}: not written ({reason_of(error)}). What is published stays as it is. {CHECK_OPTIONS}"
        ) from error
    return f"{small.root}/{name}"


def _put(small: SmallTables, name: str, content: str) -> None:
    folder, _, file = name.rpartition("/")
    stream = _files_in(small, folder).open_output_stream(file, None)
    stream.write(content.encode())
    stream.close()


def _files_in(small: SmallTables, folder: str):
    from deltalake.fs import DeltaStorageHandler

    # The public methods of the handler wrap these for pyarrow, whose buffers they refuse.
    return DeltaStorageHandler(f"{small.root}/{folder}", small.options)._handler


def _replace_file(path: Path, content: str) -> None:
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)  # readers never see half of it


class LocalLock:
    """A file, locked while its text is compared and replaced; on NFS that excludes other machines as well."""

    def __init__(self, path: Path):
        self._path = path

    def read(self) -> str | None:
        with contextlib.suppress(FileNotFoundError):
            return self._path.read_text(encoding="utf-8").rstrip() or None
        return None

    def exchange(self, expected: str | None, content: str | None) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked() as file:
            current = file.read().rstrip() or None
            is_expected = current == expected
            if is_expected and content is not None:
                file.seek(0)
                file.write(content.ljust(LOCK_CHARACTERS))
                file.truncate()
            elif is_expected or current is None:
                self._path.unlink()
            return is_expected

    @contextlib.contextmanager
    def _locked(self) -> Iterator[TextIO]:
        """The file, made if it is missing. The system unlocks it when the program ends, even when it is killed."""
        while True:
            with open(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666), "r+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self._is_still(file):
                    yield file
                    return

    def _is_still(self, file: TextIO) -> bool:
        """Whether the path still names this file: another run may have removed it before it was locked."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False


class DeltaLock:
    """A table with at most one row. Each commit creates the log file of the next version, which only one writer can."""

    def __init__(self, small: SmallTables):
        self._small = small

    def read(self) -> str | None:
        rows = self._small.rows(LOCK.name)
        return rows[0]["owner"] if rows else None

    def exchange(self, expected: str | None, content: str | None) -> bool:
        try:
            return self._commit(expected, content)
        except (OSError, DeltaError) as error:
            current = self.read()
            if current == content:  # committed, and only the answer was lost
                return True
            if current == expected and not isinstance(error, CommitFailedError):  # no other writer: the storage fails
                raise
            return False

    def _commit(self, expected: str | None, content: str | None) -> bool:
        path, options = self._small.path(LOCK.name), self._small.options
        rows = arrow_table(LOCK, [] if content is None else [{"owner": content}])
        once = CommitProperties(max_commit_retries=0)  # a retry could follow another writer's version
        if not self._small.exists(LOCK.name):
            if expected is not None:
                return False
            write_deltalake(
                path, rows, mode="error", configuration=LOCK_LOG, storage_options=options, commit_properties=once
            )
            return True
        table = DeltaTable(path, storage_options=options)
        current = self._small.rows(LOCK.name, version=table.version())
        if current != ([] if expected is None else [{"owner": expected}]):
            return False
        write_deltalake(table, rows, mode="overwrite", commit_properties=once)
        return True
