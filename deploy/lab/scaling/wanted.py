"""What there is to scale: the emulator's state document as frozen values.

`auto_scaling_groups`, `scalable_targets` and `capacity_providers` may be absent: there are none.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from deploy.lab.fleet.wanted import Instance, Machine
from deploy.lab.fleet.wanted import wanted as machines_wanted
from deploy.lab.scaling import managed_scaling as ecs
from deploy.lab.scaling.metrics import KNOWN_METRICS
from deploy.lab.scaling.target_tracking import DEFAULT_COOLDOWN_S, Limits, Policy

Json: TypeAlias = Mapping[str, Any]

IN_SERVICE = "InService"
# EC2 Auto Scaling API, DefaultCooldown: 300 s. It is the warm-up of a group that sets none.
DEFAULT_COOLDOWN_OF_GROUPS_S = 300.0


@dataclass(frozen=True)
class Group:
    """An Auto Scaling group."""

    name: str
    limits: Limits
    warmup_s: float
    # Lifecycle state by instance id.
    instances: Mapping[str, str]
    target_group_arns: tuple[str, ...]
    policies: tuple[Policy, ...]
    detailed_monitoring: bool
    # The process AlarmNotification is suspended: alarms go off and nothing comes of it.
    is_suspended: bool = False

    @property
    def key(self) -> str:
        """What it is called in the records."""
        return f"group/{self.name}"


@dataclass(frozen=True)
class Service:
    """An ECS service that is registered as a scalable target."""

    cluster: str
    name: str
    limits: Limits
    policies: tuple[Policy, ...]

    @property
    def key(self) -> str:
        """Application Auto Scaling's resource id."""
        return f"service/{self.cluster}/{self.name}"


@dataclass(frozen=True)
class TargetGroup:
    """A target group, and its targets as address:port."""

    arn: str
    targets: frozenset[str]

    @property
    def label(self) -> str:
        """How a resource label ends that means this one."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True)
class Wanted:
    """One version of the state document."""

    version: int
    machines: Mapping[str, Machine]
    groups: tuple[Group, ...] = ()
    services: tuple[Service, ...] = ()
    providers: tuple[ecs.Provider, ...] = ()
    target_groups: Mapping[str, TargetGroup] | None = None
    unsupported: tuple[str, ...] = ()

    def target_group(self, resource_label: str) -> TargetGroup | None:
        """The target group that a policy's resource label names."""
        groups = (self.target_groups or {}).values()
        return next((g for g in groups if resource_label.endswith(g.label)), None)


def vcpus(machine: Machine) -> float:
    """How much processor a machine has; one that nobody holds back has all of this computer's."""
    if isinstance(machine, Instance):
        return machine.vcpus or float(os.cpu_count() or 1)
    return machine.vcpus


def wanted(document: Json) -> Wanted:
    """Read the state document.

    Raises:
        KeyError, TypeError, ValueError: It is not what the emulator promised.
    """
    targets = [_target_group(entry) for entry in document["target_groups"]]
    groups = document.get("auto_scaling_groups") or []
    services = document.get("scalable_targets") or []
    return Wanted(
        version=int(document["version"]),
        machines=machines_wanted(document).machines,
        groups=tuple(_group(entry) for entry in groups),
        services=tuple(_service(entry) for entry in services),
        providers=tuple(
            _provider(entry)
            for entry in document.get("capacity_providers") or []
            if entry["managed_scaling"]
        ),
        target_groups={group.arn: group for group in targets},
        unsupported=tuple(what for entry in [*groups, *services] for what in _unsupported(entry)),
    )


def _group(entry: Json) -> Group:
    warmup_s = entry.get("warmup_s")
    cooldown_s = entry.get("cooldown_s")
    if warmup_s is None:
        warmup_s = DEFAULT_COOLDOWN_OF_GROUPS_S if cooldown_s is None else cooldown_s
    return Group(
        name=entry["name"],
        limits=_limits(entry),
        warmup_s=float(warmup_s),
        instances={one["id"]: one["lifecycle_state"] for one in entry["instances"]},
        target_group_arns=tuple(entry["target_group_arns"]),
        policies=_policies(entry),
        detailed_monitoring=bool(entry.get("detailed_monitoring", True)),
        is_suspended="AlarmNotification" in (entry.get("suspended") or []),
    )


def _service(entry: Json) -> Service:
    _, cluster, name = entry["resource_id"].split("/")
    return Service(cluster, name, _limits(entry), _policies(entry))


def _provider(entry: Json) -> ecs.Provider:
    return ecs.Provider(
        name=entry["name"],
        group=entry["asg_name"],
        target_capacity=float(entry["target_capacity"]),
        minimum_step=int(entry.get("minimum_scaling_step_size") or ecs.DEFAULT_MINIMUM_STEP),
        maximum_step=int(entry.get("maximum_scaling_step_size") or ecs.DEFAULT_MAXIMUM_STEP),
        warmup_s=_seconds(entry.get("instance_warmup_period_s"), ecs.DEFAULT_WARMUP_S),
    )


def _limits(entry: Json) -> Limits:
    return Limits(int(entry["min"]), int(entry["max"]), int(entry["desired"]))


def _policies(entry: Json) -> tuple[Policy, ...]:
    return tuple(
        Policy(
            name=policy["name"],
            metric=policy["metric"],
            target_value=float(policy["target_value"]),
            resource_label=policy.get("resource_label") or "",
            disable_scale_in=bool(policy.get("disable_scale_in")),
            scale_out_cooldown_s=_seconds(policy.get("scale_out_cooldown_s"), DEFAULT_COOLDOWN_S),
            scale_in_cooldown_s=_seconds(policy.get("scale_in_cooldown_s"), DEFAULT_COOLDOWN_S),
        )
        for policy in entry["policies"]
        if policy.get("metric") in KNOWN_METRICS
    )


def _unsupported(entry: Json) -> Iterator[str]:
    for policy in entry["policies"]:
        if policy.get("metric") not in KNOWN_METRICS:
            yield f"scaling policy {policy['name']}: {policy.get('type')} {policy.get('metric')}"


def _target_group(entry: Json) -> TargetGroup:
    targets = entry["targets"]
    return TargetGroup(
        arn=entry["arn"],
        targets=frozenset(f"{t['address']}:{t['port']}" for t in targets if not t["draining"]),
    )


def _seconds(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else float(value)
