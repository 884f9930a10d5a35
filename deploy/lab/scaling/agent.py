"""Scaling as a process: look, measure, decide by AWS's rules, act by AWS's calls, write it down.

It changes nothing that it does not understand: the emulator away, a document of another shape
or a refused call is said once, and the next look tries again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from deploy.lab.scaling import managed_scaling as managed
from deploy.lab.scaling.control_plane import ControlPlane, ServiceStatus
from deploy.lab.scaling.memory import Memory
from deploy.lab.scaling.metrics import (
    PER_MINUTE,
    PERCENT,
    REQUEST_METRIC,
    STANDARD,
    Share,
    resolution,
)
from deploy.lab.scaling.records import Records
from deploy.lab.scaling.sight import Eyes, Sight, of_tasks
from deploy.lab.scaling.target_tracking import (
    Decision,
    Limits,
    Policy,
    Reading,
    decide_group,
    decide_service,
)
from deploy.lab.scaling.target_tracking import Group as GroupFacts
from deploy.lab.scaling.target_tracking import Service as ServiceFacts
from deploy.lab.scaling.wanted import IN_SERVICE, Group, Service, TargetGroup, Wanted, wanted

# What ECS says is asked for again after so much of the lab's time, or when anything changed.
ASK_EVERY_S = 1.0

T = TypeVar("T")


@dataclass
class Agent:
    """The scaling of one lab."""

    control_plane: ControlPlane
    eyes: Eyes
    records: Records
    # Both in seconds: AWS's, and the lab's.
    aws_s: Callable[[], float]
    lab_s: Callable[[], float]
    tell: Callable[[str], None]
    _memories: dict[str, Memory] = field(default_factory=dict)
    _looked_s: float | None = None
    _asked: tuple[int, float] = (-1, 0.0)
    _services: dict[str, ServiceStatus | None] = field(default_factory=dict)
    _clusters: dict[str, managed.Cluster | None] = field(default_factory=dict)
    _complaints: dict[str, str] = field(default_factory=dict)

    def turn(self) -> None:
        """Look once, and act on what is seen."""
        try:
            latest = wanted(self.control_plane.state())
        except (OSError, KeyError, TypeError, ValueError) as error:
            self._complain("the state", f"no state from the emulator, nothing changes: {error!r}")
            return
        self._complain("the state", "; ".join(latest.unsupported))
        if latest.groups or latest.services:
            self._look(latest)
        else:
            self._looked_s = None
        self.records.finish_look()

    def _look(self, latest: Wanted) -> None:
        lab_s = self.lab_s()
        passed_s = 0.0 if self._looked_s is None else lab_s - self._looked_s
        self._looked_s = lab_s
        self._ask(latest)
        sight = self.eyes.look(latest.machines, passed_s=passed_s)
        for group in latest.groups:
            self._try(group.key, partial(self._scale_group, latest, group, sight))
        for service in latest.services:
            if status := self._services.get(service.key):
                scale = partial(self._scale_service, latest, service, status, sight)
                self._try(service.key, scale)

    # ---- groups ----

    def _scale_group(self, latest: Wanted, group: Group, sight: Sight) -> None:
        memory = self._memory(group.key)
        in_service = [one for one, state in group.instances.items() if state == IN_SERVICE]
        warm = memory.warm(in_service, self.aws_s(), group.warmup_s)
        readings = [
            self._read(memory, policy, self._share(latest, policy, sight, warm), group=group)
            for policy in group.policies
        ]
        targets = _target_groups(latest, group.target_group_arns)
        self.records.note(
            group.key, sight, group.limits, readings, machines=group.instances, targets=targets
        )
        facts = GroupFacts(group.limits, len(warm), warming=_coming(group) - len(warm))
        if group.is_suspended:
            return
        if memory.has_news(readings) and (decision := decide_group(facts, readings)):
            self._resize_group(group, memory, decision)
            return
        for provider in latest.providers:
            if provider.group == group.name and (cluster := self._clusters.get(provider.name)):
                self._scale_for(provider, cluster, group, sight)

    def _scale_for(
        self, provider: managed.Provider, cluster: managed.Cluster, group: Group, sight: Sight
    ) -> None:
        """Scale a group for its capacity provider."""
        memory = self._memory(f"provider/{provider.name}")
        in_service = [one for one, state in group.instances.items() if state == IN_SERVICE]
        warm = memory.warm(in_service, self.aws_s(), provider.warmup_s)
        percent_s = managed.reservation(cluster) / PERCENT * sight.passed_s
        share = Share(percent_s, sight.passed_s, cluster.running, sight.passed_s)
        reading = self._read(memory, managed.policy(provider), share, provider=provider)
        self.records.note_reading(group.key, reading)
        facts = GroupFacts(group.limits, len(warm), warming=_coming(group) - len(warm))
        if not memory.has_news([reading]):
            return
        if decision := managed.decide(provider, facts, reading, cluster):
            self._resize_group(group, memory, decision)

    def _resize_group(self, group: Group, memory: Memory, decision: Decision) -> None:
        self.control_plane.set_group(group.name, decision.desired)
        self._note(group.key, group.limits, memory, decision)

    # ---- services ----

    def _scale_service(
        self, latest: Wanted, service: Service, status: ServiceStatus, sight: Sight
    ) -> None:
        memory = self._memory(service.key)
        limits = Limits(service.limits.minimum, service.limits.maximum, status.desired)
        machines = of_tasks(status.tasks, latest.machines)
        running = machines & sight.running
        readings = [
            self._read(memory, policy, self._share(latest, policy, sight, running))
            for policy in service.policies
        ]
        targets = _target_groups(latest, status.target_group_arns)
        self.records.note(service.key, sight, limits, readings, machines=machines, targets=targets)
        facts = ServiceFacts(
            limits, status.running, status.is_deploying, memory.last_out, memory.last_in
        )
        is_out_of_range = limits.clamp(limits.desired) != limits.desired
        if not (memory.has_news(readings) or is_out_of_range):
            return
        if decision := decide_service(self.aws_s(), facts, readings):
            self.control_plane.set_service(service.cluster, service.name, decision.desired)
            self._note(service.key, limits, memory, decision)
            # What was asked of ECS is of before.
            self._asked = (-1, 0.0)

    # ---- both ----

    def _share(
        self, latest: Wanted, policy: Policy, sight: Sight, machine_ids: frozenset[str]
    ) -> Share | None:
        if policy.metric == REQUEST_METRIC:
            return sight.requests_of(latest.target_group(policy.resource_label))
        return sight.cpu(machine_ids)

    def _read(
        self,
        memory: Memory,
        policy: Policy,
        share: Share | None,
        *,
        group: Group | None = None,
        provider: managed.Provider | None = None,
    ) -> Reading:
        """Add what was seen to the policy's metric, and see what its alarms say."""
        is_detailed = group is None or group.detailed_monitoring
        its = STANDARD if provider else resolution(policy.metric, detailed_monitoring=is_detailed)
        scale = PER_MINUTE if policy.metric == REQUEST_METRIC else PERCENT
        series = memory.series(policy, its, scale)
        if share:
            series.add(self.aws_s(), share)
        alarms = managed.alarms(provider) if provider else None
        return memory.reading(policy, series, self.aws_s(), alarms)

    def _note(self, key: str, limits: Limits, memory: Memory, decision: Decision) -> None:
        memory.note(self.aws_s(), limits.desired, decision)
        self.records.decided(key, limits.desired, decision)
        self.tell(f"{key}: {limits.desired} -> {decision.desired}: {decision.because}")

    def _memory(self, key: str) -> Memory:
        return self._memories.setdefault(key, Memory())

    def _ask(self, latest: Wanted) -> None:
        """Ask ECS, when something changed and otherwise now and then."""
        version, asked_s = self._asked
        if latest.version == version and self.lab_s() < asked_s + ASK_EVERY_S:
            return
        self._services = {
            one.key: self._try(one.key, partial(self.control_plane.service, one.cluster, one.name))
            for one in latest.services
        }
        self._clusters = {
            one.name: self._try(one.name, partial(self.control_plane.cluster_of, one.name))
            for one in latest.providers
        }
        self._asked = (latest.version, self.lab_s())

    def _try(self, about: str, do: Callable[[], T]) -> T | None:
        """Do it; when the emulator refuses or is away, say so, and let the others go on."""
        try:
            done = do()
        except (OSError, BotoCoreError, ClientError) as error:
            self._complain(about, str(error))
            return None
        self._complain(about, "")
        return done

    def _complain(self, about: str, what: str) -> None:
        """Say what is wrong when it is new, and its end."""
        if what != self._complaints.get(about, ""):
            self.tell(f"{about}: {what or 'well again'}")
            self._complaints[about] = what


def _coming(group: Group) -> int:
    """Instances that are in service or on their way there."""
    return sum(state == IN_SERVICE or "Pending" in state for state in group.instances.values())


def _target_groups(latest: Wanted, arns: tuple[str, ...]) -> list[TargetGroup]:
    known: dict[str, Any] = dict(latest.target_groups or {})
    return [known[arn] for arn in arns if arn in known]
