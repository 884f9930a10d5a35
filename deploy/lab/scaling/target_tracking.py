"""Target tracking, by AWS's rules. Pure.

Sources, all read 2026-11:
  [EC2]    EC2 Auto Scaling User Guide, "Target tracking scaling policies"
  [warm]   the same, "Set the default instance warmup for an Auto Scaling group"
  [AAS]    Application Auto Scaling User Guide, "Target tracking scaling policies"
  [API]    Application Auto Scaling API, TargetTrackingScalingPolicyConfiguration
  [ECS]    ECS Developer Guide, "Use a target metric to scale Amazon ECS services"
  [alarms] AWS documents the alarms' periods nowhere. Exported from accounts they read: high,
           3 periods of 60 s above the target; low, 15 of 60 s below 63 for a target of 70 and
           72 for one of 80, so 90 %. github.com/aws/containers-roadmap/issues/1208 says the same.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from deploy.lab.scaling.alarms import Alarm, AlarmState
from deploy.lab.scaling.metrics import Datapoint

HIGH_PERIODS = 3  # [alarms]
LOW_PERIODS = 15  # [alarms]
# With 20-second metrics the high alarm has 3 periods still: AWS's benchmark triggers after 86 s.
# Nothing is said of the low one; we assume that scale-in keeps its quarter of an hour.
LOW_AT_LEAST_S = 900.0
# "usually more than 10 % lower" [AAS]; exactly 90 % in [alarms].
LOW_SHARE = 0.9

# ECS services, both directions [API].
DEFAULT_COOLDOWN_S = 300.0


@dataclass(frozen=True)
class Policy:
    """A target tracking policy of a group or of a service."""

    name: str
    metric: str
    target_value: float
    # Which target group, for ALBRequestCountPerTarget: app/…/…/targetgroup/…/….
    resource_label: str = ""
    disable_scale_in: bool = False
    # Of services. A group has its instances' warm-up instead.
    scale_out_cooldown_s: float = DEFAULT_COOLDOWN_S
    scale_in_cooldown_s: float = DEFAULT_COOLDOWN_S


@dataclass(frozen=True)
class Reading:
    """What a policy's two alarms see."""

    policy: Policy
    high: AlarmState = AlarmState.INSUFFICIENT_DATA
    low: AlarmState = AlarmState.INSUFFICIENT_DATA
    # The latest data point, when its period began, and how many machines made it.
    value: float | None = None
    measured_s: float = -math.inf
    capacity: float = 0.0


@dataclass(frozen=True)
class Limits:
    """The sizes that somebody asked for."""

    minimum: int
    maximum: int
    desired: int

    def clamp(self, capacity: int) -> int:
        """Keep to the minimum and the maximum, which scaling never leaves [EC2]."""
        return max(self.minimum, min(self.maximum, capacity))


@dataclass(frozen=True)
class Decision:
    """A new desired capacity, and why."""

    desired: int
    because: str


@dataclass(frozen=True)
class Change:
    """A scaling activity that was."""

    at_s: float
    before: int
    after: int


def alarms(policy: Policy, period_s: float) -> tuple[Alarm, Alarm]:
    """The high and the low alarm that a policy makes."""
    low_periods = max(LOW_PERIODS, math.ceil(LOW_AT_LEAST_S / period_s))
    return (
        Alarm(HIGH_PERIODS, above=policy.target_value),
        Alarm(low_periods, below=policy.target_value * LOW_SHARE),
    )


def read(policy: Policy, points: Sequence[Datapoint], its: tuple[Alarm, Alarm]) -> Reading:
    """Evaluate a policy's alarms on the data points that have arrived, oldest first."""
    values = [point.value for point in points]
    high, low = (alarm.evaluate(values) for alarm in its)
    known = [point for point in points if point.value is not None]
    if not known:
        return Reading(policy, high, low)
    last = known[-1]
    return Reading(policy, high, low, last.value, last.start_s, last.capacity)


def needed(capacity: float, value: float, target_value: float) -> int:
    """The capacity that would bring the metric to its target.

    Rounded up in both directions: adding 1.5 adds 2, removing 1.5 removes 1 [EC2].

    >>> needed(3, value=75, target_value=50), needed(4, value=31.25, target_value=50)
    (5, 3)
    """
    # What is whole but for its last bits is whole.
    return math.ceil(round(capacity * value / target_value, 9))


@dataclass(frozen=True)
class Service:
    """A service as Application Auto Scaling sees it."""

    limits: Limits
    # Tasks that run, and so make the metric.
    running: int
    is_deploying: bool = False
    last_out: Change | None = None
    last_in: Change | None = None


def decide_service(now_s: float, service: Service, readings: Sequence[Reading]) -> Decision | None:
    """What Application Auto Scaling would do now, if anything."""
    limits = service.limits
    if limits.clamp(limits.desired) != limits.desired:
        # Registering or updating a scalable target brings its capacity into the range
        # (Application Auto Scaling API, RegisterScalableTarget).
        return Decision(limits.clamp(limits.desired), "the minimum and the maximum capacity")

    def base(policy: Policy) -> int:
        """While a scale-out cools down, what it added is part of the next one's result [AAS]."""
        last = service.last_out
        cools = last and now_s < last.at_s + policy.scale_out_cooldown_s
        # Tasks that pend have not lowered the metric yet. AWS does not say that it counts so;
        # otherwise a service without room would ask for more at every data point.
        return last.before if last and cools else min(service.running, limits.desired)

    if out := _scale_out(limits, readings, base):
        return out
    policies = [reading.policy for reading in readings]
    in_cooldown_s = max((policy.scale_in_cooldown_s for policy in policies), default=0.0)
    out_cooldown_s = max((policy.scale_out_cooldown_s for policy in policies), default=0.0)
    is_blocked = (
        # While a deployment is in progress scale-in is off, and scale-out is not [ECS].
        service.is_deploying
        # Scale-in waits out its cooldown; a scale-out does not, and ends it [AAS].
        or _is_within(now_s, service.last_in, in_cooldown_s)
        # AWS does not say whether a scale-out's cooldown holds up scale-in; here it does.
        or _is_within(now_s, service.last_out, out_cooldown_s)
    )
    if is_blocked:
        return None
    return _scale_in(limits, readings)


@dataclass(frozen=True)
class Group:
    """An Auto Scaling group as EC2 Auto Scaling sees it."""

    limits: Limits
    # InService and warmed up: the instances that make the metric.
    warm: int
    # Those of the group that are on their way in: launching, waiting or warming up.
    warming: int = 0


def decide_group(group: Group, readings: Sequence[Reading]) -> Decision | None:
    """What EC2 Auto Scaling would do now, if anything: instances warm up, nothing cools down."""
    # Instances that warm up are no part of the capacity that is multiplied, and are part of the
    # desired capacity that it is compared with: so a breach that lasts adds nothing twice, and
    # one that grows adds the rest [EC2, warm].
    if out := _scale_out(group.limits, readings, lambda _: min(group.warm, group.limits.desired)):
        return out
    # No scale-in while a scale-out is in progress [EC2], nor until instances are warm [warm].
    if group.warming or group.warm < group.limits.desired:
        return None
    return _scale_in(group.limits, readings)


# The current capacity, as far as it counts for a policy. "Current x metric / target" is true when
# the metric is of the current capacity; it is minutes old, and the capacity may have changed.
# AWS warns of "scaling on stale metric data" [EC2] and does not say what it does about it. We
# take the capacity that made the metric where that asks for less: for the smaller of the two
# before we add, for the larger before we remove.
_Base: TypeAlias = Callable[[Policy], int]


def _scale_out(limits: Limits, readings: Sequence[Reading], base: _Base) -> Decision | None:
    """Any policy scales out; of several, the one that gives the largest capacity [AAS]."""
    wishes = [
        (_wish(min(base(reading.policy), reading.capacity), reading), reading)
        for reading in readings
        if reading.high is AlarmState.ALARM and reading.value is not None
    ]
    if not wishes:
        return None
    capacity, reading = max(wishes, key=lambda wish: wish[0])
    return decision(limits, capacity, reading) if capacity > limits.desired else None


def _scale_in(limits: Limits, readings: Sequence[Reading]) -> Decision | None:
    """Only when every policy that may scale in is ready to; the largest capacity of all [AAS]."""
    if any(reading.high is AlarmState.ALARM for reading in readings):
        return None
    able = [reading for reading in readings if not reading.policy.disable_scale_in]
    wishes = [
        (_wish(max(limits.desired, reading.capacity), reading), reading)
        for reading in able
        # An alarm without data is not in ALARM, and so keeps all from scaling in [ECS, AAS].
        if reading.low is AlarmState.ALARM and reading.value is not None
    ]
    if not able or len(wishes) < len(able):
        return None
    capacity, reading = max(wishes, key=lambda wish: wish[0])
    return decision(limits, capacity, reading) if capacity < limits.desired else None


def _wish(capacity: float, reading: Reading) -> int:
    return needed(capacity, reading.value or 0.0, reading.policy.target_value)


def decision(limits: Limits, capacity: int, reading: Reading) -> Decision | None:
    """Ask for a capacity because of a reading, within the limits; None when it is there already."""
    desired = limits.clamp(capacity)
    if desired == limits.desired:
        return None
    policy, sign = reading.policy, ">" if desired > limits.desired else "<"
    because = f"{policy.name}: {policy.metric} {reading.value:.4g} {sign} {policy.target_value:g}"
    return Decision(desired, because)


def _is_within(now_s: float, change: Change | None, cooldown_s: float) -> bool:
    return change is not None and now_s < change.at_s + cooldown_s
