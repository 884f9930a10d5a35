"""ECS managed scaling: a capacity provider asks its Auto Scaling group for instances. Pure.

Sources, all read 2026-11:
  [dev]    ECS Developer Guide, "Automatically manage Amazon ECS capacity with cluster auto
           scaling", and the AWS blog it refers to, "Deep dive on Amazon ECS cluster auto scaling"
  [API]    ECS API, ManagedScaling
  [alarms] github.com/aws/containers-roadmap/issues/638, /900, /1220: high, 1 data point of one
           minute above the target; low, 15 of one minute below it
  [zero]   the same, /961 and /1716: 200 when tasks wait and no instance runs
  [in]     AWS blog, "Faster scaling-in for Amazon ECS cluster auto scaling": at most half of
           the group at a time
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.lab.scaling.alarms import Alarm, AlarmState
from deploy.lab.scaling.target_tracking import Decision, Group, Policy, Reading, decision, needed

METRIC = "CapacityProviderReservation"
FROM_NOTHING = 200.0  # [zero]
LARGEST_SHARE_IN = 0.5  # [in]

DEFAULT_WARMUP_S = 300.0  # [API]
DEFAULT_MINIMUM_STEP = 1  # [API]
DEFAULT_MAXIMUM_STEP = 10_000  # [API]


@dataclass(frozen=True)
class Size:
    """What a task needs, or what an instance has."""

    cpu_units: int
    memory_mib: int

    def holds(self, other: "Size") -> int:
        """How many of the other fit in.

        >>> Size(1024, 900).holds(Size(256, 300))
        3
        """
        return min(
            self.cpu_units // max(1, other.cpu_units), self.memory_mib // max(1, other.memory_mib)
        )


@dataclass(frozen=True)
class Provider:
    """A capacity provider's settings."""

    name: str
    group: str
    target_capacity: float = 100.0
    minimum_step: int = DEFAULT_MINIMUM_STEP
    maximum_step: int = DEFAULT_MAXIMUM_STEP
    warmup_s: float = DEFAULT_WARMUP_S


@dataclass(frozen=True)
class Cluster:
    """What ECS knows of a provider's instances and of the tasks that wait for one."""

    # Registered instances, N.
    running: int
    # Those without a task.
    idle: int
    # What a new instance has; None before the first one registered.
    size: Size | None = None
    pending: Sequence[Size] = ()


def instances_needed(cluster: Cluster) -> int:
    """M: the instances that all tasks need, those that wait too.

    Tasks that ask for the same are taken together, and the group of them that needs the most
    instances counts: a lower bound, so that none is launched in vain [dev]. Without waiting
    tasks it is the instances that have at least one [dev].

    >>> instances_needed(Cluster(running=3, idle=1))
    2
    >>> three = [Size(512, 512)] * 3
    >>> instances_needed(Cluster(running=2, idle=0, size=Size(1024, 2048), pending=three))
    4
    """
    if not cluster.pending:
        return cluster.running - cluster.idle
    if cluster.size is None:
        return cluster.running + 1
    more = (
        math.ceil(cluster.pending.count(task) / max(1, cluster.size.holds(task)))
        for task in set(cluster.pending)
    )
    return cluster.running + max(more)


def reservation(cluster: Cluster) -> float:
    """CapacityProviderReservation: M / N x 100 [dev].

    >>> reservation(Cluster(running=2, idle=1)), reservation(Cluster(running=0, idle=0))
    (50.0, 100.0)
    """
    if cluster.running == 0:
        return FROM_NOTHING if cluster.pending else 100.0
    return 100.0 * instances_needed(cluster) / cluster.running


def policy(provider: Provider) -> Policy:
    """The target tracking policy that ECS makes for the group [dev]."""
    return Policy(provider.name, METRIC, provider.target_capacity)


def alarms(provider: Provider) -> tuple[Alarm, Alarm]:
    """The high and the low alarm of that policy [alarms]."""
    return Alarm(1, above=provider.target_capacity), Alarm(15, below=provider.target_capacity)


def decide(provider: Provider, group: Group, reading: Reading, cluster: Cluster) -> Decision | None:
    """What ECS would have the group do now, if anything.

    The alarms say when. How many comes from the cluster as it is now, for the metric is minutes
    old and N may have changed since.
    """
    limits = group.limits
    wanted = needed(max(1, cluster.running), reservation(cluster), provider.target_capacity)
    if reading.high is AlarmState.ALARM and wanted > limits.desired:
        step = max(wanted - limits.desired, provider.minimum_step)
        return decision(limits, limits.desired + min(step, provider.maximum_step), reading)
    is_ready = reading.low is AlarmState.ALARM and not group.warming
    if is_ready and wanted < limits.desired:
        # Step sizes do not affect scale-in [API].
        fewest = limits.desired - max(1, math.floor(limits.desired * LARGEST_SHARE_IN))
        return decision(limits, max(wanted, fewest), reading)
    return None
