"""ECS on EC2: which instances are container instances, and which task is on which.

In the lab no agent runs on an instance. One whose user data names an ECS cluster registers there
when the fleet has it running; its tasks run beside it, under its address.
"""

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.lab.cloud import ec2
from deploy.lab.cloud.border import RESPONSES, Internals, Json, records
from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.placement import Need, Room, choose, host_ports

ECS = Internals(
    "services.ecs", "_capacity_providers", "_services", "_task_defs", "_task_is_active", "_tasks"
)
EC2 = Internals("services.ec2", "_instances")

CLUSTER = re.compile(r"ECS_CLUSTER=[\"']?([A-Za-z0-9_-]+)")
UNITS_OF_A_VCPU = 1024
# vCPUs and GiB of memory of the sizes (instance types guide, 2026-11); t2's smaller ones have one.
SIZES = {
    "nano": (2, 0.5),
    "micro": (2, 1),
    "small": (2, 2),
    "medium": (2, 4),
    "large": (2, 8),
    "xlarge": (4, 16),
    "2xlarge": (8, 32),
}
MIB_OF_A_GIB = 1024
LOOK_EVERY_S = 0.1

log = logging.getLogger("lab.container_instances")


@dataclass(frozen=True)
class Placement:
    """A task on an instance."""

    task_arn: str
    instance_id: str
    address: str
    zone: str
    need: Need
    # Host port by container port.
    ports: Mapping[int, int]


class ContainerInstances:
    """The registered instances and what is placed on them. Safe between threads."""

    def __init__(self, lab: Lab) -> None:
        self._observed = lab.observed
        self._lock = threading.Condition()
        self._placements: dict[str, Placement] = {}
        # ARN and time of registration by instance id.
        self._registered: dict[str, tuple[str, datetime]] = {}
        self._draining: set[str] = set()
        # Placement strategies by cluster/service: MiniStack drops them.
        self.strategies: dict[str, Sequence[tuple[str, str]]] = {}

    def of_cluster(self, cluster: str) -> list[str]:
        """Ids of a cluster's container instances."""
        return [
            instance_id
            for instance_id, instance in records(EC2.instances).items()
            if cluster_of(instance) == cluster and self._is_connected(instance)
        ]

    def is_draining(self, instance_id: str) -> bool:
        """Whether it takes no more tasks."""
        return instance_id in self._draining

    def drain(self, instance_id: str, *, really: bool = True) -> None:
        """Take no more tasks, or take some again."""
        with self._lock:
            (self._draining.add if really else self._draining.discard)(instance_id)

    def placement(self, task_arn: str) -> Placement | None:
        """Where a task is, once it is placed."""
        return self._placements.get(task_arn)

    def on(self, instance_id: str) -> list[Placement]:
        """What is placed on an instance."""
        return [p for p in list(self._placements.values()) if p.instance_id == instance_id]

    def release(self, task_arn: str) -> None:
        """The task has ended: its room is free."""
        with self._lock:
            self._placements.pop(task_arn, None)
            self._lock.notify_all()

    def await_room(self, task_arn: str, task: Json) -> bool:
        """Wait until an instance has room and put the task there; false when it was stopped."""
        need = need_of(task)
        while ECS.task_is_active(task_arn, task):
            with self._lock:
                if placed := self._place(task_arn, task, need):
                    self._write_down(task, placed)
                    return True
                self._lock.wait(LOOK_EVERY_S)
        return False

    def is_lost(self, instance_id: str) -> bool:
        """Whether an instance that had tasks is no more."""
        instance = records(EC2.instances).get(instance_id)
        return instance is None or not self._is_connected(instance)

    def holds(self, instance_id: str) -> bool:
        """Managed draining: an instance that its group wants to end moves its tasks first."""
        provider = records(ECS.capacity_providers).get(provider_of(instance_id) or "")
        draining = (provider or {}).get("autoScalingGroupProvider", {}).get("managedDraining")
        if draining == "DISABLED" or not provider or self.is_lost(instance_id):
            return False
        self.drain(instance_id)
        return bool(self.on(instance_id))

    def describe(self, instance_id: str) -> Json:
        """As DescribeContainerInstances has it."""
        instance = records(EC2.instances)[instance_id]
        cpu_units, memory_mib = capacity(instance["InstanceType"])
        placements = self.on(instance_id)
        tasks = records(ECS.tasks)
        states = [tasks.get(p.task_arn, {}).get("lastStatus") for p in placements]
        arn, registered_at = self._arn(instance_id, str(cluster_of(instance)))
        provider = provider_of(instance_id)
        return {
            "containerInstanceArn": arn,
            "ec2InstanceId": instance_id,
            **({"capacityProviderName": provider} if provider else {}),
            "status": "DRAINING" if self.is_draining(instance_id) else "ACTIVE",
            "agentConnected": True,
            "runningTasksCount": states.count("RUNNING"),
            "pendingTasksCount": len(states) - states.count("RUNNING") - states.count("STOPPED"),
            "registeredResources": _resources(cpu_units, memory_mib),
            "remainingResources": _resources(
                cpu_units - sum(p.need.cpu_units for p in placements),
                memory_mib - sum(p.need.memory_mib for p in placements),
            ),
            "registeredAt": registered_at.timestamp(),
            "attributes": [
                {
                    "name": "ecs.availability-zone",
                    "value": instance["Placement"]["AvailabilityZone"],
                },
                {"name": "ecs.instance-type", "value": instance["InstanceType"]},
            ],
            "attachments": [],
            "tags": [],
        }

    def with_arn(self, cluster: str, wanted: str) -> str | None:
        """The instance behind a container instance's ARN or id."""
        for instance_id in self.of_cluster(cluster):
            arn, _ = self._arn(instance_id, cluster)
            if wanted in {arn, arn.rsplit("/", 1)[-1]}:
                return instance_id
        return None

    def arn(self, instance_id: str, cluster: str) -> str:
        """Its ARN as a container instance."""
        return self._arn(instance_id, cluster)[0]

    def _place(self, task_arn: str, task: Json, need: Need) -> Placement | None:
        cluster, group = task["clusterArn"].rsplit("/", 1)[-1], task.get("group", "")
        provider = task.get("capacityProviderName")
        rooms = [
            self._room(instance_id, group)
            for instance_id in self.of_cluster(cluster)
            if not self.is_draining(instance_id)
            and (not provider or provider_of(instance_id) == provider)
        ]
        strategies = self.strategies.get(f"{cluster}/{group.removeprefix('service:')}", ())
        if (room := choose(rooms, need, strategies)) is None:
            return None
        instance = records(EC2.instances)[room.instance_id]
        placed = Placement(
            task_arn,
            room.instance_id,
            instance["PrivateIpAddress"],
            room.zone,
            need,
            host_ports(need, room.taken_ports),
        )
        self._placements[task_arn] = placed
        return placed

    def _room(self, instance_id: str, group: str) -> Room:
        instance, tasks = records(EC2.instances)[instance_id], records(ECS.tasks)
        cpu_units, memory_mib = capacity(instance["InstanceType"])
        placements = self.on(instance_id)
        return Room(
            instance_id,
            instance["Placement"]["AvailabilityZone"],
            cpu_units - sum(p.need.cpu_units for p in placements),
            memory_mib - sum(p.need.memory_mib for p in placements),
            frozenset(port for p in placements for port in p.ports.values()),
            sum(tasks.get(p.task_arn, {}).get("group") == group for p in placements),
        )

    def _write_down(self, task: Json, placed: Placement) -> None:
        """What DescribeTasks shows of it."""
        cluster = task["clusterArn"].rsplit("/", 1)[-1]
        task["containerInstanceArn"] = self.arn(placed.instance_id, cluster)
        task["availabilityZone"] = placed.zone
        definition = definition_of(task)
        for container, defined in zip(
            task["containers"], definition["containerDefinitions"], strict=True
        ):
            container["networkBindings"] = [
                {
                    "bindIP": "0.0.0.0",  # noqa: S104 - what the agent reports; nothing binds it
                    "containerPort": int(mapping["containerPort"]),
                    "hostPort": placed.ports[int(mapping["containerPort"])],
                    "protocol": mapping.get("protocol", "tcp"),
                }
                for mapping in defined.get("portMappings") or []
                if int(mapping["containerPort"]) in placed.ports
            ]

    def _is_connected(self, instance: Json) -> bool:
        seen = self._observed.machine(instance["InstanceId"]).get("state")
        return instance["State"]["Name"] == "running" and seen == "running"

    def _arn(self, instance_id: str, cluster: str) -> tuple[str, datetime]:
        if instance_id not in self._registered:
            account, region = RESPONSES.get_account_id(), RESPONSES.get_region()
            arn = (
                f"arn:aws:ecs:{region}:{account}:container-instance/{cluster}/"
                f"{RESPONSES.new_uuid().replace('-', '')}"
            )
            self._registered[instance_id] = arn, datetime.now(UTC)
        return self._registered[instance_id]


def cluster_of(instance: Json) -> str | None:
    """The cluster that an instance's user data names."""
    found = CLUSTER.search(ec2.user_data(instance))
    return found.group(1) if found else None


def provider_of(instance_id: str) -> str | None:
    """The capacity provider whose group the instance is of."""
    group = ec2.tags_of(instance_id).get("aws:autoscaling:groupName")
    for name, provider in records(ECS.capacity_providers).items():
        arn = provider["autoScalingGroupProvider"]["autoScalingGroupArn"]
        if group and arn.rsplit("/", 1)[-1] == group:
            return name
    return None


def capacity(instance_type: str) -> tuple[int, int]:
    """CPU units and MiB that an instance registers; the system keeps some memory for itself.

    >>> capacity("t3.micro"), capacity("t3.small")
    ((2048, 914), (2048, 1904))
    """
    vcpus, memory_gib = SIZES.get(instance_type.partition(".")[2], SIZES["micro"])
    if instance_type in {"t2.nano", "t2.micro", "t2.small"}:
        vcpus = 1
    memory_mib = memory_gib * MIB_OF_A_GIB
    # What agents on Amazon Linux 2023 report of t3.micro and t3.small, and a line through both.
    return vcpus * UNITS_OF_A_VCPU, int(memory_mib - 76 - memory_mib // 30)


def definition_of(task: Json) -> Json:
    """The task's definition."""
    key = task["taskDefinitionArn"].rsplit("/", 1)[-1]
    found: Json = records(ECS.task_defs)[key]
    return found


def need_of(task: Json) -> Need:
    """What a task asks for; ports only where it shares the instance's address."""
    definition = definition_of(task)
    containers = definition["containerDefinitions"]
    mappings = [m for c in containers for m in c.get("portMappings") or []]
    shares = definition.get("networkMode") != "awsvpc"
    host = definition.get("networkMode") == "host"
    return Need(
        cpu_units=int(definition.get("cpu") or sum(int(c.get("cpu") or 0) for c in containers)),
        memory_mib=int(
            definition.get("memory")
            or sum(int(c.get("memoryReservation") or c.get("memory") or 0) for c in containers)
        ),
        ports={
            int(m["containerPort"]): int(m["containerPort"] if host else m.get("hostPort") or 0)
            for m in mappings
        }
        if shares
        else {},
    )


def _resources(cpu_units: int, memory_mib: int) -> list[Json]:
    return [
        {"name": name, "type": "INTEGER", "integerValue": value}
        for name, value in (("CPU", cpu_units), ("MEMORY", memory_mib))
    ]
