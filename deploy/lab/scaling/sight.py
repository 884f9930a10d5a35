"""One look at the lab: what machines used and what targets got since the last one."""

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.lab.fleet.wanted import Machine
from deploy.lab.scaling.balancers import Balancers, Traffic, name_of
from deploy.lab.scaling.metrics import Share, growth
from deploy.lab.scaling.processors import Processors
from deploy.lab.scaling.wanted import TargetGroup, vcpus


@dataclass(frozen=True)
class Sight:
    """What was seen. `passed_s` is the lab's time, in which processors work and requests come."""

    passed_s: float
    machines: Mapping[str, Machine]
    # Seconds of processor time since the last look, by machine.
    used_s: Mapping[str, float] = field(default_factory=dict)
    # Requests since the last look, by target's name; None when Envoy was away.
    requests: Mapping[str, float] | None = None
    # What Envoy said last.
    traffic: Traffic = field(default_factory=lambda: Traffic({}, frozenset()))
    # Machines that the fleet runs.
    running: frozenset[str] = frozenset()

    def cpu(self, machine_ids: Iterable[str]) -> Share:
        """Processor time used, of that there was."""
        seen = [one for one in machine_ids if one in self.used_s and one in self.machines]
        available_s = sum(vcpus(self.machines[one]) for one in seen) * self.passed_s
        used_s = sum(self.used_s[one] for one in seen)
        return Share(used_s, available_s, len(seen), self.passed_s)

    def requests_of(self, group: TargetGroup | None) -> Share | None:
        """Requests, of seconds of targets; None when nobody counted."""
        if group is None or self.requests is None:
            return None
        count = sum(self.requests.get(name_of(group.arn, target), 0) for target in group.targets)
        # Divided by the healthy targets, and by the registered ones when none is healthy
        # (Application Load Balancer guide, CloudWatch metrics, RequestCountPerTarget, 2026-11).
        targets = len(self.healthy(group)) or len(group.targets)
        return Share(count, targets * self.passed_s, targets, self.passed_s)

    def healthy(self, group: TargetGroup) -> frozenset[str]:
        """Its targets that pass their checks."""
        healthy = self.traffic.healthy
        return frozenset(one for one in group.targets if name_of(group.arn, one) in healthy)

    def served(self, group: TargetGroup) -> frozenset[str]:
        """Its targets that were ever sent a request."""
        ever = self.traffic.requests
        return frozenset(one for one in group.targets if ever.get(name_of(group.arn, one), 0) > 0)


class Eyes:
    """Looks, and remembers the last look."""

    def __init__(self, state: Path, balancers: Balancers) -> None:
        self._fleet = state / "fleet.json"
        self._processors = Processors(state)
        self._balancers = balancers
        self._used_s: Mapping[str, float] = {}
        self._traffic = Traffic({}, frozenset())

    def look(self, machines: Mapping[str, Machine], *, passed_s: float) -> Sight:
        """Look at these machines and at every target."""
        used_s, traffic = self._processors.used_s(machines), self._balancers.traffic()
        grown_s = growth(used_s, self._used_s)
        requests = growth(traffic.requests, self._traffic.requests) if traffic else None
        self._used_s, self._traffic = used_s, traffic or self._traffic
        return Sight(passed_s, machines, grown_s, requests, self._traffic, self._running())

    def _running(self) -> frozenset[str]:
        # The fleet has not written it yet.
        with suppress(OSError, ValueError):
            machines = json.loads(self._fleet.read_text(encoding="utf-8"))
            return frozenset(key for key, one in machines.items() if one["state"] == "running")
        return frozenset()


def of_tasks(task_ids: Collection[str], machine_ids: Iterable[str]) -> frozenset[str]:
    """The machines that are containers of these tasks: a second container's id has a suffix."""
    return frozenset(one for one in machine_ids if one.startswith(tuple(task_ids)))
