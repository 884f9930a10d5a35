"""CloudWatch metrics: what is seen at every look, gathered into the data points of periods. Pure.

Every metric here is a share, `scale * sum(amount) / sum(of)`: processor time used of that
available, requests of target-minutes, instances needed of instances there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.lab.delays import scaled

# The longest window that an alarm looks at, and some more.
KEPT_PERIODS = 64

CPU_METRICS = frozenset(
    {
        "ASGAverageCPUUtilization",
        "ECSServiceAverageCPUUtilization",
        "ECSServiceAverageCPUUtilizationHighResolution",
    }
)
REQUEST_METRIC = "ALBRequestCountPerTarget"
KNOWN_METRICS = CPU_METRICS | {REQUEST_METRIC}

PERCENT = 100.0
# RequestCountPerTarget counts a minute's requests, and the lab's minutes are shorter. So it is
# the rate that is counted: what would have come in a minute of AWS, had it gone on like this.
PER_MINUTE = 60.0


@dataclass(frozen=True)
class Resolution:
    """How long a period is, and how long after its end an alarm has seen its data point."""

    period_s: float
    arrival_s: float


STANDARD = Resolution(scaled("metric-period", 1), scaled("metric-arrival", 1))
HIGH = Resolution(
    scaled("metric-period-high-resolution", 1), scaled("metric-arrival-high-resolution", 1)
)
BASIC = Resolution(scaled("metric-period-basic", 1), scaled("metric-arrival", 1))


def resolution(metric: str, *, detailed_monitoring: bool = True) -> Resolution:
    """Say how a predefined metric is published.

    Only EC2's own metrics come less often with basic monitoring; a balancer's never do.
    """
    if metric.endswith("HighResolution"):
        return HIGH
    if metric == "ASGAverageCPUUtilization" and not detailed_monitoring:
        return BASIC
    return STANDARD


@dataclass(frozen=True)
class Datapoint:
    """One period of a metric; no value when nothing was measured."""

    start_s: float
    value: float | None
    # How many machines made it, on average.
    capacity: float


@dataclass(frozen=True)
class Share:
    """So much of so much, by so many machines for so long: one addend of a metric."""

    amount: float
    of: float
    machines: int
    passed_s: float


@dataclass
class _Bucket:
    amount: float = 0.0
    of: float = 0.0
    machine_s: float = 0.0
    passed_s: float = 0.0


@dataclass
class Series:
    """One metric over time."""

    resolution: Resolution
    scale: float = PERCENT
    _buckets: dict[int, _Bucket] = field(default_factory=dict)

    def add(self, now_s: float, share: Share) -> None:
        """Put what was seen since the last look into the period of this moment."""
        period = self._period(now_s)
        if period not in self._buckets:
            self._buckets[period] = _Bucket()
            self._forget(now_s)
        bucket = self._buckets[period]
        bucket.amount += share.amount
        bucket.of += share.of
        bucket.machine_s += share.machines * share.passed_s
        bucket.passed_s += share.passed_s

    def arrived(self, now_s: float) -> list[Datapoint]:
        """Data points of which alarms know by now, oldest first."""
        last = self._period(now_s - self.resolution.arrival_s) - 1
        known = [number for number in self._buckets if number <= last]
        return [self._point(number) for number in range(min(known), last + 1)] if known else []

    def _point(self, number: int) -> Datapoint:
        start_s = number * self.resolution.period_s
        bucket = self._buckets.get(number)
        if not bucket or not bucket.of:
            return Datapoint(start_s, None, 0.0)
        value = self.scale * bucket.amount / bucket.of
        return Datapoint(start_s, value, bucket.machine_s / bucket.passed_s)

    def _period(self, at_s: float) -> int:
        return int(at_s // self.resolution.period_s)

    def _forget(self, now_s: float) -> None:
        oldest = self._period(now_s - self.resolution.arrival_s) - KEPT_PERIODS
        self._buckets = {n: bucket for n, bucket in self._buckets.items() if n >= oldest}


def growth(now: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """How much each counter grew since; one that was reset counts from nothing.

    One that is new says nothing yet: it may have been counting for long before we looked.

    >>> growth({"a": 5, "b": 2, "c": 9}, {"a": 3, "b": 7})
    {'a': 2, 'b': 2, 'c': 0}
    """
    grown = {}
    for key, value in now.items():
        was = before.get(key, value)
        grown[key] = value - was if was <= value else value
    return grown
