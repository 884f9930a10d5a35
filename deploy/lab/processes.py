"""Processes that outlive nobody: what Linux offers for that, in one place.

A child dies with its parent (PDEATHSIG), orphans come to the nearest subreaper above them, and
whatever slipped through both is found by a variable in its environment.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from deploy.waiting import Patience

# Every process of a lab carries this in its environment, holding the lab's folder.
MARK = "NINEWAYS_LAB_FOLDER"

# Of linux/prctl.h; Python does not name them.
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# Loaded here because nothing may be loaded between fork and exec.
_LIBC = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """Take in every descendant that loses its parent, however it detached itself."""
    if _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def die_with(parent_pid: int) -> Callable[[], None]:
    """Make a `preexec_fn`: the child is killed when the thread that started it ends."""

    def in_child() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died before the call.
        if os.getppid() != parent_pid:
            os._exit(1)

    return in_child


def descendants(pid: int) -> list[int]:
    """Every process below this one, parents before children."""
    found = []
    for child in _children(pid):
        found += [child, *descendants(child)]
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    # A process or a thread may end while we look at it.
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  a hot path
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123  the same
                children += map(int, file.read().split())
    return children


def marked(value: str, name: str = MARK) -> list[int]:
    """Every live process of ours whose environment holds `name` with this value."""
    pids = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if pid != os.getpid() and carries(pid, value, name)]


def carries(pid: int, value: str, name: str = MARK) -> bool:
    """Whether a process is ours and its environment holds `name` with this value."""
    # Other users' processes and those just ended are not readable.
    with suppress(OSError):
        return f"{name}={value}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def kill_every(find: Callable[[], Iterable[int]], *, within_s: float = 5) -> list[int]:
    """Kill what `find` finds until it finds nothing; a fork may race one look, not all.

    Returns:
        What is still there after `within_s`.
    """
    deadline = time.monotonic() + within_s
    patience = Patience(every_s=0.01)
    while remaining := list(find()):
        for pid in remaining:
            send(pid, signal.SIGKILL)
        reap_orphans()
        if time.monotonic() > deadline:
            return remaining
        patience.sleep(patience.every_s)
    return []


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process, which may have ended already."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def reap_orphans(mine: Iterable[int] = ()) -> None:
    """Collect ended children that somebody else started; `mine` are left to their Popen."""
    keep = set(mine)
    with suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in keep:
                return
            os.waitpid(ended.si_pid, 0)


def name_of(pid: int) -> str:
    """What the process is called, for a message."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "?"
