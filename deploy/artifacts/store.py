"""Finished artifacts under .build/, each under a name that says what went into it.

A thing is there or is not: it is made as a draft and renamed when complete, so that a build that
was killed leaves nothing that is later taken for finished. One build of a family at a time.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# A lab that is up may still run the one or two before the last; older ones only take room.
KEEP = 3


@dataclass(frozen=True)
class Name:
    """A family ("bundle-3.13-x86_64"), the digest of what went in, and a suffix."""

    family: str
    digest: str
    suffix: str = ""

    def __str__(self) -> str:
        return f"{self.family}-{self.digest}{self.suffix}"


def ensure(
    folder: Path, name: Name, make: Callable[[Path], Path], report: Callable[[str], None]
) -> bool:
    """Make `folder/name` unless it is there already, and drop all but the last used of its family.

    `make` gets an empty folder to work in and returns the file or folder in it that is the result.

    Returns:
        Whether it was made now.
    """
    path = folder / str(name)
    if path.exists():
        os.utime(path)  # used again: not among the first to be dropped
        return False
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder / f".{name.family}.lock", report):
        if path.exists():
            return False
        # Nobody else is drafting in this family: a draft that lies here was left by a killed build.
        for left_over in folder.glob(f".draft-{name.family}-*"):
            _remove(left_over)
        scratch = folder / f".draft-{name}"
        scratch.mkdir()
        try:
            make(scratch).rename(path)
        finally:
            _remove(scratch)
        _prune(folder, name)
    return True


@contextmanager
def _only_one(lock: Path, report: Callable[[str], None]) -> Iterator[None]:
    # The kernel drops the lock with its holder, however that ends.
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another process is building the same; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _prune(folder: Path, name: Name) -> None:
    of_family = folder.glob(f"{name.family}-{'[0-9a-f]' * len(name.digest)}{name.suffix}")
    last_used_first = sorted(of_family, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for old in last_used_first[KEEP:]:
        # Renamed first: half a folder must never stand under a finished name.
        doomed = old.rename(folder / f".draft-{old.name}")
        _remove(doomed)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
