"""What the agent saw and decided, turned into the timeline and the live view."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.lab.scaling.alarms import AlarmState
from deploy.lab.scaling.metrics import PERCENT, Resolution, Series, Share
from deploy.lab.scaling.sight import Sight
from deploy.lab.scaling.target_tracking import Decision, Limits, Reading
from deploy.lab.scaling.timeline import Arrivals, Timeline
from deploy.lab.scaling.wanted import TargetGroup


@dataclass
class _Record:
    """What was written of one group or service."""

    arrivals: Arrivals = field(default_factory=Arrivals)
    readings: dict[str, Reading] = field(default_factory=dict)
    cpu: Series | None = None
    rate: Series | None = None
    now: dict[str, Any] = field(default_factory=dict)
    sampled_s: float = -1.0


@dataclass
class Records:
    """Of one lab. Samples are of one second of the lab each."""

    timeline: Timeline
    lab_s: Callable[[], float]
    speed: float
    _records: dict[str, _Record] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def note(  # noqa: PLR0913  one look at one thing
        self,
        key: str,
        sight: Sight,
        limits: Limits,
        readings: Sequence[Reading],
        *,
        machines: Iterable[str],
        targets: Sequence[TargetGroup],
    ) -> None:
        """Write down what is new since the last look."""
        record = self._records.setdefault(key, _Record())
        self._seen.add(key)
        machines = frozenset(machines)
        self._note_steps(key, record, sight, machines, targets)
        running = machines & sight.running
        healthy = {target for group in targets for target in sight.healthy(group)}
        record.now = {
            "minimum": limits.minimum,
            "maximum": limits.maximum,
            "desired": limits.desired,
            "running": len(running),
            "healthy": len(healthy),
            **self._live(record, sight, running, targets),
        }
        if int(self.lab_s()) > record.sampled_s:
            record.sampled_s = int(self.lab_s())
            self.timeline.event(key, "sample", **record.now)
        for reading in readings:
            self.note_reading(key, reading)
        record.now["policies"] = {
            name: {
                "metric": reading.policy.metric,
                "target": reading.policy.target_value,
                "value": _rounded(reading.value),
                "high": reading.high,
                "low": reading.low,
            }
            for name, reading in record.readings.items()
        }

    def note_reading(self, key: str, reading: Reading) -> None:
        """Write down a data point that has arrived, and an alarm that went on or off."""
        readings = self._records.setdefault(key, _Record()).readings
        policy = reading.policy
        before = readings.get(policy.name, Reading(policy))
        readings[policy.name] = reading
        facts = {"policy": policy.name, "metric": policy.metric, "value": _rounded(reading.value)}
        if reading.measured_s > before.measured_s:
            self.timeline.event(key, "metric", measured_s=reading.measured_s, **facts)
            if _is_above(reading) and not _is_above(before):
                self.timeline.event(key, "breach", measured_s=reading.measured_s, **facts)
        is_on, was_on = (one.high is AlarmState.ALARM for one in (reading, before))
        if is_on != was_on:
            self.timeline.event(key, "detect" if is_on else "relax", **facts)

    def decided(self, key: str, before: int, decision: Decision) -> None:
        """Write down a decision that was carried out."""
        self.timeline.event(
            key, "decide", before=before, desired=decision.desired, because=decision.because
        )

    def finish_look(self) -> None:
        """Replace the view; forget what is no more."""
        self._records = {key: self._records[key] for key in self._seen}
        self._seen = set()
        self.timeline.view({key: one.now for key, one in self._records.items()}, speed=self.speed)

    def _note_steps(
        self,
        key: str,
        record: _Record,
        sight: Sight,
        machines: frozenset[str],
        targets: Sequence[TargetGroup],
    ) -> None:
        arrivals = record.arrivals
        registered = {target for group in targets for target in group.targets}
        for what, step, still in (
            ("machine", "launch", machines),
            ("target", "healthy", registered),
        ):
            for one in arrivals.gone(step, still):
                self.timeline.event(key, "gone", **{what: one})
        for one in arrivals.new("launch", machines):
            self.timeline.event(key, "launch", machine=one)
        for one in arrivals.new("provision", machines & sight.running):
            self.timeline.event(key, "provision", machine=one)
        for step, see in (("healthy", sight.healthy), ("first-request", sight.served)):
            for one in arrivals.new(step, {target for group in targets for target in see(group)}):
                self.timeline.event(key, step, target=one)

    def _live(
        self,
        record: _Record,
        sight: Sight,
        running: frozenset[str],
        targets: Sequence[TargetGroup],
    ) -> dict[str, float | None]:
        """Processor time and requests of the last second."""
        a_second = Resolution(period_s=1.0, arrival_s=0.0)
        record.cpu = record.cpu or Series(a_second, PERCENT)
        record.rate = record.rate or Series(a_second, scale=1.0)
        now_s = self.lab_s()
        record.cpu.add(now_s, sight.cpu(running))
        counted = [share for group in targets if (share := sight.requests_of(group))]
        requests = sum(share.amount for share in counted)
        record.rate.add(now_s, Share(requests, sight.passed_s, 1, sight.passed_s))
        return {
            "cpu_percent": _last(record.cpu, now_s),
            "requests_per_s": _last(record.rate, now_s),
        }


def _last(series: Series, now_s: float) -> float | None:
    points = series.arrived(now_s)
    return _rounded(points[-1].value) if points else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _is_above(reading: Reading) -> bool:
    return reading.value is not None and reading.value > reading.policy.target_value
