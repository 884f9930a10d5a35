"""A service and its load in simulated time: machines boot, work, and are scaled by our rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploy.lab.scaling.memory import Memory
from deploy.lab.scaling.metrics import STANDARD, Resolution, Share
from deploy.lab.scaling.target_tracking import (
    Decision,
    Group,
    Limits,
    Policy,
    Reading,
    Service,
    decide_group,
    decide_service,
)

STEP_S = 5.0
LOOK_EVERY_S = 20.0
CPU = "ECSServiceAverageCPUUtilization"

# Processors that the load needs at a moment.
Demand = Callable[[float], float]


@dataclass(frozen=True)
class Activity:
    """When the desired capacity changed, and to what."""

    at_s: float
    desired: int
    machines: int


@dataclass
class Simulation:
    """Machines of one processor each behind a balancer that shares the work evenly."""

    demand: Demand
    policies: Sequence[Policy] = (Policy("cpu", CPU, 50),)
    minimum: int = 1
    maximum: int = 20
    machines: int = 1
    boot_s: float = 30.0
    resolution: Resolution = STANDARD
    now_s: float = 0.0
    desired: int = field(init=False)
    ready_s: list[float] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    activities: list[Activity] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desired = self.machines
        self.ready_s = [-1e9] * self.machines

    def run(self, until_s: float) -> "Simulation":
        while self.now_s < until_s:
            self.now_s += STEP_S
            self._work()
            if self.now_s % LOOK_EVERY_S == 0:
                self._scale()
        return self

    @property
    def limits(self) -> Limits:
        return Limits(self.minimum, self.maximum, self.desired)

    @property
    def running(self) -> int:
        return sum(ready_s <= self.now_s for ready_s in self.ready_s)

    @property
    def working(self) -> int:
        """Machines that count for the metric."""
        return self.running

    def _work(self) -> None:
        used = min(self.demand(self.now_s), self.running) * self.working / max(1, self.running)
        for policy in self.policies:
            self.memory.series(policy, self.resolution).add(
                self.now_s,
                Share(used * STEP_S, self.working * STEP_S, self.working, STEP_S),
            )

    def _scale(self) -> None:
        readings = [
            self.memory.reading(p, self.memory.series(p, self.resolution), self.now_s)
            for p in self.policies
        ]
        if not self.memory.has_news(readings):
            return
        if decision := self.decide(readings):
            self.memory.note(self.now_s, self.desired, decision)
            self._resize(decision.desired)

    def decide(self, readings: Sequence[Reading]) -> Decision | None:
        service = Service(
            self.limits,
            self.running,
            last_out=self.memory.last_out,
            last_in=self.memory.last_in,
        )
        return decide_service(self.now_s, service, readings)

    def _resize(self, desired: int) -> None:
        self.desired = desired
        self.activities.append(Activity(self.now_s, desired, self.running))
        new = desired - len(self.ready_s)
        self.ready_s = self.ready_s[:desired] + [self.now_s + self.boot_s] * max(0, new)


@dataclass
class GroupSimulation(Simulation):
    """The same with instances that warm up before they count."""

    warmup_s: float = 60.0

    @property
    def working(self) -> int:
        return sum(ready_s + self.warmup_s <= self.now_s for ready_s in self.ready_s)

    def decide(self, readings: Sequence[Reading]) -> Decision | None:
        group = Group(self.limits, self.working, warming=len(self.ready_s) - self.working)
        return decide_group(group, readings)


def step(before: float, after: float, at_s: float = 600.0) -> Demand:
    return lambda now_s: after if now_s >= at_s else before
