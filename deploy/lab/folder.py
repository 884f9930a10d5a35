"""A lab's folder: everything the lab has on disk, and the lock that says whether it is up.

A lab is up exactly as long as its supervisor holds the lock on the folder: the kernel releases
it however the supervisor ends, so nobody trusts a pid in a file.
"""

import fcntl
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from deploy.errors import BadInputError
from deploy.lab.processes import kill_every, marked
from deploy.telling import Tell
from deploy.waiting import Patience

_PATIENCE = Patience(every_s=0.002)


def folder_of(name: str, labs: Path) -> Path:
    """Where a lab of that name has its things; raises when that cannot be a name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
        raise BadInputError(
            f"{name!r} is no name for a lab",
            remedy="lower-case letters, digits and dashes, at most 32",
        )
    return labs.resolve() / name


def lock(folder: Path) -> int | None:
    """Make the folder and take its lock, or learn that a supervisor has it."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _flock(folder, fcntl.LOCK_EX)
        if descriptor is None:
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
        # Somebody took the lab down in between: this is the lock of a folder that is no more.
        os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Whether a supervisor holds the folder."""
    try:
        descriptor = _flock(folder, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def _flock(folder: Path, how: int) -> int | None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    # Whoever only asks holds the lock for a moment; a supervisor holds on to it.
    for _ in range(5):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            return descriptor
        _PATIENCE.sleep(_PATIENCE.every_s)
    os.close(descriptor)
    return None


def sweep(folder: Path, *, tell: Tell) -> list[int]:
    """Kill what carries the lab's mark; of a lab that ended in order nothing does."""
    strays = marked(str(folder))
    if strays:
        tell(f"clearing away {len(strays)} processes of an earlier life of the lab")
    remains = kill_every(lambda: marked(str(folder)))
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return remains


def remove(folder: Path) -> None:
    """Delete it."""
    shutil.rmtree(folder, ignore_errors=True)
    # The last lab takes the folder of labs along.
    with suppress(OSError):
        folder.parent.rmdir()


def log_files(folder: Path) -> dict[str, Path]:
    """Every log of a lab: of its parts, of its machines."""
    found = {path.stem: path for path in folder.glob("logs/*.log")}
    return found | {path.parent.name: path for path in folder.glob("machines/*/output.log")}
