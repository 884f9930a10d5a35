"""How much processor time machines use: read from Linux, as the fleet's governor reads it.

The fleet keeps the pid of every machine's init in the machine's folder; all the machine runs is
below that.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.lab.fleet.init import Pulse
from deploy.lab.processes import descendants


@dataclass
class _Meter:
    """One machine's processes; those that ended keep their last reading."""

    by_pid: dict[int, float] = field(default_factory=dict)
    ended_s: float = 0.0

    def read(self, pids: Iterable[int]) -> float:
        alive = {pid: used_s for pid in pids if (used_s := _used_s(pid)) is not None}
        for pid in self.by_pid.keys() - alive.keys():
            self.ended_s += self.by_pid[pid]
        self.by_pid = alive
        return self.ended_s + sum(alive.values())


class Processors:
    """Seconds of processor time by machine, since it started or we did."""

    def __init__(self, state: Path) -> None:
        self._machines = state / "machines"
        self._meters: dict[str, _Meter] = {}

    def used_s(self, machine_ids: Iterable[str]) -> dict[str, float]:
        """Read those of the machines that run."""
        used: dict[str, float] = {}
        for machine_id in machine_ids:
            pulse = self._pulse(machine_id)
            if pulse and pulse.exit_code is None:
                meter = self._meters.setdefault(machine_id, _Meter())
                used[machine_id] = meter.read(descendants(pulse.init))
        self._meters = {key: self._meters[key] for key in used}
        return used

    def _pulse(self, machine_id: str) -> Pulse | None:
        # A machine may be cleared away while we look at it.
        with suppress(OSError, ValueError, TypeError):
            return Pulse.read(self._machines / machine_id)
        return None


def _used_s(pid: int) -> float | None:
    """What all threads of the process have used; None when it is gone."""
    with suppress(OSError):
        # clock_getcpuclockid(3): Linux makes the number of a process's clock from its pid.
        return time.clock_gettime((~pid << 3) | 2)
    return None
