"""The emulator as scaling sees it: the state document, and AWS's own calls on it."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from boto3.session import Session
from botocore.config import Config

from deploy.lab.scaling.managed_scaling import Cluster, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_boto3_autoscaling import AutoScalingClient
    from types_boto3_ecs import ECSClient

_TIMEOUT_S = 5
# A look that fails is repeated anyhow; retries would only make it late.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    connect_timeout=_TIMEOUT_S,
    read_timeout=_TIMEOUT_S,
)
# What DescribeTasks and DescribeContainerInstances take at once.
_AT_ONCE = 100


@dataclass(frozen=True)
class ServiceStatus:
    """What ECS says of a service."""

    desired: int
    running: int
    is_deploying: bool
    # Ids of its tasks that run or are on their way.
    tasks: frozenset[str]
    target_group_arns: tuple[str, ...]


@dataclass
class ControlPlane:
    """One lab's emulator."""

    url: str
    region: str = "us-east-1"
    # Task definitions never change once they are registered.
    _sizes: dict[str, Size] = field(default_factory=dict)

    def state(self) -> Mapping[str, Any]:
        """The state document as it is now."""
        address = f"{self.url}/_lab/state?since=-1&wait=0"
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:  # noqa: S310  our own emulator
            document: Mapping[str, Any] = json.load(answer)
        return document

    def set_group(self, name: str, desired: int) -> None:
        """As EC2 Auto Scaling sizes a group."""
        self._autoscaling.set_desired_capacity(
            AutoScalingGroupName=name, DesiredCapacity=desired, HonorCooldown=False
        )

    def set_service(self, cluster: str, name: str, desired: int) -> None:
        """As Application Auto Scaling sizes a service."""
        self._ecs.update_service(cluster=cluster, service=name, desiredCount=desired)

    def service(self, cluster: str, name: str) -> ServiceStatus | None:
        """How a service is; None when there is none."""
        found = self._ecs.describe_services(cluster=cluster, services=[name])["services"]
        if not found or found[0]["status"] != "ACTIVE":
            return None
        service = found[0]
        tasks = self._ecs.list_tasks(cluster=cluster, serviceName=name)["taskArns"]
        return ServiceStatus(
            desired=service["desiredCount"],
            running=service["runningCount"],
            is_deploying=any(
                deployment.get("rolloutState") == "IN_PROGRESS"
                for deployment in service["deployments"]
            ),
            tasks=frozenset(_id(arn) for arn in tasks),
            target_group_arns=tuple(
                balancer["targetGroupArn"]
                for balancer in service.get("loadBalancers", [])
                if "targetGroupArn" in balancer
            ),
        )

    def cluster_of(self, provider: str) -> Cluster | None:
        """The instances and the waiting tasks of a capacity provider; None when unused."""
        for arn in self._ecs.list_clusters()["clusterArns"]:
            described = self._ecs.describe_clusters(clusters=[arn])["clusters"]
            if described and provider in described[0].get("capacityProviders", []):
                return self._cluster(arn, provider)
        return None

    def _cluster(self, cluster: str, provider: str) -> Cluster:
        arns = self._ecs.list_container_instances(cluster=cluster, status="ACTIVE")
        listed = arns["containerInstanceArns"][:_AT_ONCE]
        instances = (
            self._ecs.describe_container_instances(cluster=cluster, containerInstances=listed)[
                "containerInstances"
            ]
            if listed
            else []
        )
        mine = [one for one in instances if one.get("capacityProviderName", provider) == provider]
        busy = [one for one in mine if one["runningTasksCount"] + one["pendingTasksCount"]]
        return Cluster(
            running=len(mine),
            idle=len(mine) - len(busy),
            size=_size(mine[0]["registeredResources"]) if mine else None,
            pending=self._pending(cluster, provider),
        )

    def _pending(self, cluster: str, provider: str) -> "Sequence[Size]":
        listed = self._ecs.list_tasks(cluster=cluster)["taskArns"][:_AT_ONCE]
        if not listed:
            return ()
        tasks = self._ecs.describe_tasks(cluster=cluster, tasks=listed)["tasks"]
        return [
            self._size_of(task["taskDefinitionArn"])
            for task in tasks
            # ECS Developer Guide, "Cluster auto scaling": a task that finds no room waits so.
            if task["lastStatus"] == "PROVISIONING"
            and task.get("capacityProviderName", provider) == provider
        ]

    def _size_of(self, definition_arn: str) -> Size:
        if definition_arn not in self._sizes:
            definition = self._ecs.describe_task_definition(taskDefinition=definition_arn)[
                "taskDefinition"
            ]
            containers = definition["containerDefinitions"]
            cpu = definition.get("cpu") or sum(one.get("cpu", 0) for one in containers)
            memory = definition.get("memory") or sum(
                one.get("memory") or one.get("memoryReservation", 0) for one in containers
            )
            self._sizes[definition_arn] = Size(int(cpu), int(memory))
        return self._sizes[definition_arn]

    @cached_property
    def _session(self) -> Session:
        # Nobody's real credentials: the emulator takes any.
        return Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106  see above
            region_name=self.region,
        )

    @cached_property
    def _ecs(self) -> "ECSClient":
        return self._session.client("ecs", endpoint_url=self.url, config=_CONFIG)

    @cached_property
    def _autoscaling(self) -> "AutoScalingClient":
        return self._session.client("autoscaling", endpoint_url=self.url, config=_CONFIG)


def _id(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _size(resources: "Sequence[Any]") -> Size:
    by_name = {resource["name"]: int(resource.get("integerValue", 0)) for resource in resources}
    return Size(by_name.get("CPU", 0), by_name.get("MEMORY", 0))
