"""What is remembered of one thing that scales: its metrics, its alarms and its last activities."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from deploy.lab.scaling.alarms import Alarm
from deploy.lab.scaling.metrics import PERCENT, Resolution, Series
from deploy.lab.scaling.target_tracking import Change, Decision, Policy, Reading, alarms, read


@dataclass
class Memory:
    """One group, service or capacity provider."""

    last_out: Change | None = None
    last_in: Change | None = None
    _series: dict[str, Series] = field(default_factory=dict)
    _decided_s: dict[str, float] = field(default_factory=dict)
    _since_s: dict[str, float] | None = None

    def series(self, policy: Policy, resolution: Resolution, scale: float = PERCENT) -> Series:
        """The metric of a policy; it begins anew when the policy tracks something else."""
        key = f"{policy.name} {policy.metric} {policy.resource_label} {resolution.period_s:g}"
        return self._series.setdefault(key, Series(resolution, scale))

    def reading(
        self,
        policy: Policy,
        series: Series,
        now_s: float,
        its: tuple[Alarm, Alarm] | None = None,
    ) -> Reading:
        """What the policy's alarms say now; target tracking's, unless it has its own."""
        its = its or alarms(policy, series.resolution.period_s)
        return read(policy, series.arrived(now_s), its)

    def warm(self, in_service: Iterable[str], now_s: float, warmup_s: float) -> frozenset[str]:
        """Those in service for as long as the warm-up; who was there before us is warm."""
        first_s = -math.inf if self._since_s is None else now_s
        since_s = self._since_s or {}
        self._since_s = {one: since_s.get(one, first_s) for one in in_service}
        return frozenset(one for one, at_s in self._since_s.items() if now_s - at_s >= warmup_s)

    def has_news(self, readings: Sequence[Reading]) -> bool:
        """Whether a data point has arrived since the last time.

        An alarm that stays on has its policy carried out again at each evaluation, and not
        between them (CloudWatch User Guide, "Alarm actions", read 2026-11).
        """
        newest = {reading.policy.name: reading.measured_s for reading in readings}
        is_news, self._decided_s = newest != self._decided_s, newest
        return is_news

    def note(self, now_s: float, before: int, decision: Decision) -> None:
        """Remember a scaling activity."""
        change = Change(now_s, before, decision.desired)
        if decision.desired > before:
            # "the scale-in cooldown period stops and doesn't complete" (AAS User Guide)
            self.last_out, self.last_in = change, None
        else:
            self.last_in = change
