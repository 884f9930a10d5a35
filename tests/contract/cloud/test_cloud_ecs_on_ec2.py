"""ECS on EC2: placement, dynamic host ports, waiting for room, instances that drain or end."""

import base64
from collections.abc import Iterator

import pytest

from tests.contract.cloud.conftest import Agents, Cloud, Json, Stack, att, ref, until
from tests.contract.cloud.test_cloud_groups import nothing_is_left_of
from tests.contract.cloud.test_cloud_groups import resources as group_resources
from tests.contract.cloud.test_cloud_services import ROLE

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("agents")]

CLUSTER = "packed"
USER_DATA = f"#cloud-config\nwrite_files:\n  - content: |\n      ECS_CLUSTER={CLUSTER}\n"
OUTPUTS = {
    "Group": ref("Group"),
    "Targets": ref("Targets"),
    "Provider": ref("Provider"),
    "Service": att("Service", "Name"),
}


def resources(version: str = "1", *, desired: str = "2", instances: str = "1") -> Json:
    body = group_resources(USER_DATA, MinSize=instances, DesiredCapacity=instances)
    del body["Group"]["Properties"]["TargetGroupARNs"], body["Policy"]
    body["Group"]["Properties"]["HealthCheckType"] = "EC2"
    body["Template"]["Properties"]["LaunchTemplateData"]["UserData"] = base64.b64encode(
        USER_DATA.encode()
    ).decode()
    return {
        **body,
        "Role": ROLE,
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": CLUSTER}},
        "Provider": {
            "Type": "AWS::ECS::CapacityProvider",
            "Properties": {
                "AutoScalingGroupProvider": {
                    "AutoScalingGroupArn": ref("Group"),
                    "ManagedScaling": {"Status": "ENABLED", "TargetCapacity": "80"},
                    "ManagedTerminationProtection": "DISABLED",
                    "ManagedDraining": "ENABLED",
                }
            },
        },
        "Providers": {
            "Type": "AWS::ECS::ClusterCapacityProviderAssociations",
            "Properties": {
                "Cluster": ref("Cluster"),
                "CapacityProviders": [ref("Provider")],
                "DefaultCapacityProviderStrategy": [
                    {"CapacityProvider": ref("Provider"), "Weight": 1}
                ],
            },
        },
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": CLUSTER,
                "Cpu": "256",
                "Memory": "300",
                "NetworkMode": "bridge",
                "RequiresCompatibilities": ["EC2"],
                "ContainerDefinitions": [
                    {
                        "Name": "web",
                        "Image": "obliging",
                        "PortMappings": [{"ContainerPort": "8000", "HostPort": "0"}],
                        "Environment": [
                            {"Name": "VERSION", "Value": version},
                            {"Name": "NINEWAYS_PORT", "Value": "8000"},
                        ],
                    }
                ],
            },
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "DependsOn": ["Listener", "Providers"],
            "Properties": {
                "Cluster": ref("Cluster"),
                "TaskDefinition": ref("Task"),
                "DesiredCount": desired,
                "CapacityProviderStrategy": [{"CapacityProvider": ref("Provider"), "Weight": 1}],
                "PlacementStrategies": [
                    {"Type": "binpack", "Field": "memory"},
                    {"Type": "binpack", "Field": "cpu"},
                ],
                "LoadBalancers": [
                    {
                        "TargetGroupArn": ref("Targets"),
                        "ContainerName": "web",
                        "ContainerPort": "8000",
                    }
                ],
            },
        },
    }


@pytest.fixture(scope="module")
def stack(cloud: Cloud, agents: Agents) -> Iterator[Stack]:
    del agents  # only have to be there
    stack = cloud.created(resources(), OUTPUTS)
    yield stack
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    nothing_is_left_of(cloud, stack.outputs["Group"])
    assert cloud.state()["capacity_providers"] == []
    until("its tasks to end", lambda: not tasks(cloud))


def tasks(cloud: Cloud) -> list[Json]:
    return [task for task in cloud.state()["tasks"] if task["family"] == CLUSTER]


def set_tasks(cloud: Cloud, stack: Stack, desired: int) -> None:
    cloud.client("ecs").update_service(
        cluster=CLUSTER, service=stack.outputs["Service"], desiredCount=desired
    )


def set_instances(cloud: Cloud, stack: Stack, desired: int) -> None:
    cloud.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=stack.outputs["Group"], DesiredCapacity=desired
    )


def running(cloud: Cloud, stack: Stack, count: int) -> list[Json]:
    """The tasks, once exactly so many run and are the targets."""
    (service,) = cloud.client("ecs").describe_services(
        cluster=CLUSTER, services=[stack.outputs["Service"]]
    )["services"]
    found = [task for task in tasks(cloud) if not task["stopping"]]
    (group,) = [t for t in cloud.state()["target_groups"] if t["arn"] == stack.outputs["Targets"]]
    ours = {(t["instance_id"], t["address"], t["host_ports"]["8000"]) for t in found}
    theirs = {(t["id"], t["address"], t["port"]) for t in group["targets"]}
    return found if len(found) == count == service["runningCount"] and ours == theirs else []


def waiting(cloud: Cloud) -> list[str]:
    """ARNs of the tasks that no instance has room for."""
    ecs = cloud.client("ecs")
    if not (arns := ecs.list_tasks(cluster=CLUSTER)["taskArns"]):
        return []
    described = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
    return [task["taskArn"] for task in described if task["lastStatus"] == "PROVISIONING"]


def container_instances(cloud: Cloud) -> list[Json]:
    ecs = cloud.client("ecs")
    if not (arns := ecs.list_container_instances(cluster=CLUSTER)["containerInstanceArns"]):
        return []
    described = ecs.describe_container_instances(cluster=CLUSTER, containerInstances=arns)
    return [dict(one) for one in described["containerInstances"]]


def test_tasks_of_one_instance_have_its_address_and_ports_of_their_own(
    cloud: Cloud, stack: Stack
) -> None:
    one, two = until("two tasks", lambda: running(cloud, stack, 2))

    assert one["address"] == two["address"]
    assert one["instance_id"] == two["instance_id"]
    assert {t["host_ports"]["8000"] for t in (one, two)} == {32768, 32769}
    assert one["environment"]["NINEWAYS_PORT"] == str(one["host_ports"]["8000"])
    (instance,) = [i for i in cloud.state()["instances"] if i["id"] == one["instance_id"]]
    assert instance["address"] == one["address"]
    (described,) = cloud.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[one["task_arn"]])[
        "tasks"
    ]
    (binding,) = described["containers"][0]["networkBindings"]
    assert binding["hostPort"] == one["host_ports"]["8000"]
    assert described["launchType"] == "EC2"


@pytest.mark.usefixtures("stack")
def test_a_container_instance_tells_what_it_has_left(cloud: Cloud, stack: Stack) -> None:
    until("two tasks", lambda: running(cloud, stack, 2))
    (instance,) = container_instances(cloud)

    registered = {r["name"]: r["integerValue"] for r in instance["registeredResources"]}
    remaining = {r["name"]: r["integerValue"] for r in instance["remainingResources"]}
    assert registered == {"CPU": 2048, "MEMORY": 914}
    assert remaining == {"CPU": 2048 - 512, "MEMORY": 914 - 600}
    assert (instance["runningTasksCount"], instance["status"]) == (2, "ACTIVE")
    assert instance["capacityProviderName"] == stack.outputs["Provider"]
    (cluster,) = cloud.client("ecs").describe_clusters(clusters=[CLUSTER])["clusters"]
    assert cluster["registeredContainerInstancesCount"] == 1


def test_the_capacity_provider_is_told_to_the_scaling_controller(
    cloud: Cloud, stack: Stack
) -> None:
    (provider,) = cloud.state()["capacity_providers"]

    assert provider == {
        "name": stack.outputs["Provider"],
        "asg_name": stack.outputs["Group"],
        "target_capacity": 80,
        "managed_scaling": True,
        "minimum_scaling_step_size": 1,
        "maximum_scaling_step_size": 10000,
        "instance_warmup_period_s": 300,
    }


def test_a_task_that_nobody_has_room_for_waits_until_an_instance_joins(
    cloud: Cloud, stack: Stack
) -> None:
    until("two tasks", lambda: running(cloud, stack, 2))
    set_tasks(cloud, stack, 4)

    (pending,) = until("one that waits", lambda: waiting(cloud))
    assert len(tasks(cloud)) == 3
    set_instances(cloud, stack, 2)

    four = until("four tasks", lambda: running(cloud, stack, 4))
    (joined,) = [task for task in four if task["task_arn"] == pending]
    assert [t["instance_id"] for t in four].count(joined["instance_id"]) == 1
    assert not waiting(cloud)


def test_packing_fills_the_fuller_instance_first(cloud: Cloud, stack: Stack) -> None:
    set_instances(cloud, stack, 2)
    set_tasks(cloud, stack, 4)
    before = until("four tasks", lambda: running(cloud, stack, 4))
    counts = sorted(
        [t["instance_id"] for t in before].count(i["ec2InstanceId"])
        for i in container_instances(cloud)
    )

    assert counts == [1, 3]


def test_tasks_leave_an_instance_that_drains(cloud: Cloud, stack: Stack) -> None:
    set_instances(cloud, stack, 2)
    set_tasks(cloud, stack, 2)
    before = until("two tasks", lambda: running(cloud, stack, 2))
    until("two instances", lambda: len(container_instances(cloud)) == 2)
    left = before[0]["instance_id"]
    (instance,) = [i for i in container_instances(cloud) if i["ec2InstanceId"] == left]
    arns = [instance["containerInstanceArn"]]
    ecs = cloud.client("ecs")

    ecs.update_container_instances_state(
        cluster=CLUSTER, containerInstances=arns, status="DRAINING"
    )

    def moved() -> bool:
        found = running(cloud, stack, 2)
        return bool(found) and left not in {task["instance_id"] for task in found}

    until("the tasks to move", moved)
    ecs.update_container_instances_state(cluster=CLUSTER, containerInstances=arns, status="ACTIVE")


def test_a_group_that_shrinks_moves_the_tasks_first(cloud: Cloud, stack: Stack) -> None:
    set_instances(cloud, stack, 2)
    set_tasks(cloud, stack, 2)
    before = until("two tasks", lambda: running(cloud, stack, 2))
    until("two instances", lambda: len(container_instances(cloud)) == 2)
    victim = before[0]["instance_id"]
    fewest = 2

    cloud.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=victim, ShouldDecrementDesiredCapacity=True
    )

    def gone() -> bool:
        nonlocal fewest
        fewest = min(fewest, len([task for task in tasks(cloud) if not task["stopping"]]))
        return victim not in {i["id"] for i in cloud.state()["instances"]}

    until("the instance to go", gone)
    assert fewest == 2
    until("two tasks", lambda: running(cloud, stack, 2))


def test_tasks_end_with_their_instance_and_come_up_on_the_next(
    cloud: Cloud, stack: Stack, agents: Agents
) -> None:
    set_tasks(cloud, stack, 2)
    before = until("two tasks", lambda: running(cloud, stack, 2))
    victim = before[0]["instance_id"]
    agents.broken.add(victim)

    def elsewhere() -> bool:
        found = running(cloud, stack, 2)
        return bool(found) and victim not in {task["instance_id"] for task in found}

    until("tasks on another instance", elsewhere)
    (ended,) = cloud.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[before[0]["task_arn"]])[
        "tasks"
    ]
    assert ended["stoppedReason"] == f"Host EC2 (instance {victim}) terminated."


def test_a_new_version_rolls_out_on_the_same_instances(cloud: Cloud, stack: Stack) -> None:
    set_instances(cloud, stack, 2)
    until("two tasks", lambda: running(cloud, stack, 2))

    after = cloud.updated(stack.name, resources("2"), OUTPUTS)

    assert after.status == "UPDATE_COMPLETE"
    found = until("two tasks", lambda: running(cloud, stack, 2))
    assert {task["environment"]["VERSION"] for task in found} == {"2"}
