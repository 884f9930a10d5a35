"""Machines held to their size, without root: stopped and continued by signals.

Each machine earns processor time at the rate of its size and pays for what its processes use;
in debt it is stopped, as a cgroup's quota would, until it has paid.
A machine with a fault is stopped besides: for ever when frozen, and when slow by the clock, used or
not, like a virtual machine whose host does not come to run it.
Not counted is what a process uses that starts and ends between two listings.
"""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from deploy.lab.processes import descendants, send

# How often the accounts are settled, and so how much too much may be used at once.
SLICE_S = 0.01
# How often a machine's processes are listed anew.
LIST_EVERY_S = 0.25
# What an idle machine may save up: a tenth of a second, the period of a cgroup's quota.
PERIOD_S = 0.1

_PAGE_BYTES = 4096
_MIB = 1024 * 1024


@dataclass
class Account:
    """Processor time earned and used. Pure.

    >>> account = Account(vcpus=0.25)
    >>> account.settle(used_s=0.01, passed_s=0.01), account.settle(used_s=0, passed_s=0.04)
    (False, True)
    """

    vcpus: float
    saved_s: float = 0.0

    def settle(self, *, used_s: float, passed_s: float) -> bool:
        """Earn and pay; say whether the machine may run on."""
        earned = self.saved_s + passed_s * self.vcpus - used_s
        self.saved_s = min(earned, PERIOD_S * self.vcpus)
        return self.saved_s >= 0


@dataclass
class Governed:
    """One machine under the governor."""

    init: int
    account: Account | None
    memory_mib: int | None
    # Called once, with the reason, when it uses more memory than it has.
    out_of_memory: Callable[[], None]
    # The share of the time that a fault leaves it, and its account of that.
    runs: float = 1.0
    turns: Account = field(default_factory=lambda: Account(1.0))
    used_s: dict[int, float] = field(default_factory=dict)
    is_stopped: bool = False

    @property
    def is_free(self) -> bool:
        """Whether there is nothing to hold it back from."""
        return not (self.account or self.memory_mib or self.runs < 1)


class Governor:
    """One thread for all machines; idle while all are free."""

    def __init__(self) -> None:
        self._machines: dict[str, Governed] = {}
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="governor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._some.set()
        self._thread.join()
        for machine_id in list(self._machines):
            self.release(machine_id)

    def govern(  # noqa: PLR0913  all that a machine is held to
        self,
        machine_id: str,
        init: int,
        *,
        vcpus: float | None,
        memory_mib: int | None = None,
        out_of_memory: Callable[[], None] = lambda: None,
        runs: float = 1.0,
    ) -> None:
        """Hold a machine to its size from now on; `init` itself is never stopped."""
        account = Account(vcpus) if vcpus else None
        governed = Governed(init, account, memory_mib, out_of_memory)
        # What was used before is not held against it; what an earlier governor stopped goes on.
        governed.used_s = {pid: _cpu_s(pid) for pid in descendants(init)}
        if runs:
            _signal(governed, signal.SIGCONT)
        with self._lock:
            self._machines[machine_id] = governed
        self.let_run(machine_id, runs)

    def let_run(self, machine_id: str, share: float) -> None:
        """From now on a machine runs for this share of the time: 0 freezes it, 1 is well."""
        with self._lock:
            governed = self._machines.get(machine_id)
            if governed is None:
                return
            governed.runs, governed.turns = share, Account(share)
            _list(governed)
            if not share or governed.is_free:
                _stop(governed, is_stopped=not share)
            self._watch_some()

    def release(self, machine_id: str) -> None:
        """Let it run free, or be forgotten."""
        with self._lock:
            governed = self._machines.pop(machine_id, None)
            if governed and governed.is_stopped:
                _signal(governed, signal.SIGCONT)
            self._watch_some()

    def _watch_some(self) -> None:
        if all(governed.is_free for governed in self._machines.values()):
            self._some.clear()
        else:
            self._some.set()

    def _run(self) -> None:
        pause = threading.Event()
        settled = listed = time.monotonic()
        while not self._closed:
            if not self._some.is_set():
                self._some.wait()
                settled = time.monotonic()
            now = time.monotonic()
            lists = now - listed >= LIST_EVERY_S
            listed = now if lists else listed
            with self._lock:
                for governed in self._machines.values():
                    if governed.is_free:
                        continue
                    if lists:
                        _list(governed)
                    _settle(governed, now - settled)
            settled = now
            pause.wait(SLICE_S)


def _list(governed: Governed) -> None:
    """Find its processes anew; one that is new is charged from its birth."""
    pids = descendants(governed.init)
    governed.used_s = {pid: governed.used_s.get(pid, 0.0) for pid in pids}
    if governed.is_stopped:
        _signal(governed, signal.SIGSTOP)
    if governed.memory_mib and resident_mib(pids) > governed.memory_mib:
        governed.memory_mib = None
        governed.out_of_memory()


def _settle(governed: Governed, passed_s: float) -> None:
    # Both accounts are kept, whichever stops it.
    may_run = [_has_paid(governed, passed_s), _has_its_turn(governed, passed_s)]
    if all(may_run) == governed.is_stopped:
        _stop(governed, is_stopped=not all(may_run))


def _has_paid(governed: Governed, passed_s: float) -> bool:
    if not governed.account:
        return True
    used_s = 0.0
    for pid, before_s in governed.used_s.items():
        now_s = _cpu_s(pid, before_s)
        used_s += now_s - before_s
        governed.used_s[pid] = now_s
    return governed.account.settle(used_s=used_s, passed_s=passed_s)


def _has_its_turn(governed: Governed, passed_s: float) -> bool:
    """A slow machine pays for the time that passes while it runs, busy or idle."""
    if governed.runs in {0, 1}:
        return bool(governed.runs)
    used_s = 0.0 if governed.is_stopped else passed_s
    return governed.turns.settle(used_s=used_s, passed_s=passed_s)


def _stop(governed: Governed, *, is_stopped: bool) -> None:
    governed.is_stopped = is_stopped
    _signal(governed, signal.SIGSTOP if is_stopped else signal.SIGCONT)


def _signal(governed: Governed, number: signal.Signals) -> None:
    for pid in governed.used_s:
        send(pid, number)


def _cpu_s(pid: int, otherwise: float = 0.0) -> float:
    """What all threads of the process have used, those that ended too.

    Linux makes the number of any process's clock from its pid (clock_getcpuclockid(3));
    reading it is one system call, a hundredth of what reading its threads in /proc takes.
    """
    with suppress(OSError):
        return time.clock_gettime((~pid << 3) | 2)
    return otherwise


def resident_mib(pids: list[int]) -> float:
    """Memory in use; pages that processes share count for each."""
    pages = 0
    for pid in pids:
        with suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    return pages * _PAGE_BYTES / _MIB
