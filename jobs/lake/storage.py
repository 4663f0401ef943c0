"""Small files beside the tables, on a local folder or on any Hadoop file system."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """A folder that holds small text files.

    `create` is atomic: False when the file is there already. `exchange` writes only where the file still is as it was
    read (None: absent): False when somebody else was quicker.
    """

    def create(self, name: str, content: str) -> bool: ...
    def exchange(self, name: str, found: str | None, content: str) -> bool: ...
    def overwrite(self, name: str, content: str) -> None: ...
    def read(self, name: str) -> str | None: ...
    def delete(self, name: str) -> None: ...


def is_local(root: str) -> bool:
    """Whether a lake root is a folder of this machine."""
    return "://" not in root or root.startswith("file://")


def local_folder(root: str) -> Path:
    """The folder of a local lake root."""
    return Path(root.removeprefix("file://").removeprefix("file:"))


def storage_of(root: str) -> Storage:
    """The storage of a lake root."""
    return LocalStorage(local_folder(root)) if is_local(root) else HadoopStorage(root)


class LocalStorage:
    """A folder of this machine."""

    def __init__(self, folder: Path):
        self._folder = folder

    def create(self, name: str, content: str) -> bool:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_text(content)
        try:
            os.link(draft, path)  # fails when the file exists: atomic, and never seen half-written
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        return True

    def exchange(self, name: str, found: str | None, content: str) -> bool:
        if found is None:
            return self.create(name, content)
        folder = os.open((self._folder / name).parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # ends with the program, however that ends
            if self.read(name) != found:
                return False
            self.overwrite(name, content)
            return True
        finally:
            os.close(folder)

    def overwrite(self, name: str, content: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_text(content, encoding="utf-8")
        draft.replace(path)

    def read(self, name: str) -> str | None:
        with contextlib.suppress(FileNotFoundError):
            return (self._folder / name).read_text()
        return None

    def delete(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)


class HadoopStorage:
    """A folder on a Hadoop file system, reached through the running Spark session."""

    def __init__(self, root: str):
        from pyspark.sql import SparkSession

        self._spark = SparkSession.getActiveSession()
        self._path = lambda name: self._spark._jvm.org.apache.hadoop.fs.Path(f"{root.rstrip('/')}/{name}")
        self._files = self._path("").getFileSystem(self._spark._jsc.hadoopConfiguration())

    def create(self, name: str, content: str) -> bool:
        if self._files.exists(self._path(name)):
            return False
        self._write(name, content, overwrite=False)
        return True

    def exchange(self, name: str, found: str | None, content: str) -> bool:
        """Not atomic: such a file system has no way; a run that lost its lock finds out before it publishes."""
        if self.read(name) != found:
            return False
        self.overwrite(name, content)
        return True

    def overwrite(self, name: str, content: str) -> None:
        self._write(name, content, overwrite=True)

    def read(self, name: str) -> str | None:
        if not self._files.exists(self._path(name)):
            return None
        stream = self._files.open(self._path(name))
        try:
            return bytes(self._spark._jvm.org.apache.commons.io.IOUtils.toByteArray(stream)).decode()
        finally:
            stream.close()

    def delete(self, name: str) -> None:
        self._files.delete(self._path(name), False)

    def _write(self, name: str, content: str, overwrite: bool) -> None:
        stream = self._files.create(self._path(name), overwrite)
        try:
            stream.write(bytearray(content.encode()))
        finally:
            stream.close()
