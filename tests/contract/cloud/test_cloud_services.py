"""ECS services on Fargate: tasks that run when the fleet says so, and what happens to them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from types_boto3_ecs.type_defs import ServiceTypeDef, TaskTypeDef

from tests.contract.cloud.conftest import Agents, Cloud, Json, Stack, att, ref, until

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("agents")]

ROLE: Json = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
}
OUTPUTS = {
    "Cluster": ref("Cluster"),
    "Service": att("Service", "Name"),
    "Group": ref("Group"),
    "Logs": ref("Logs"),
}


def resources(image: str = "obliging", version: str = "1", **service: object) -> Json:
    container = {
        "Name": "web",
        "Image": image,
        "Command": ["python", "-m", "app"],
        "StopTimeout": 7,
        "PortMappings": [{"ContainerPort": "8000"}],
        "Environment": [{"Name": "VERSION", "Value": version}],
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": ref("Logs"),
                "awslogs-region": ref("AWS::Region"),
                "awslogs-stream-prefix": "web",
            },
        },
    }
    return {
        "Role": ROLE,
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {}},
        "Lb": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Subnets": ["subnet-1"]},
        },
        "Group": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "TargetType": "ip",
                "Protocol": "HTTP",
                "Port": 8000,
                "TargetGroupAttributes": [
                    {"Key": "deregistration_delay.timeout_seconds", "Value": "1"}
                ],
            },
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": ref("Lb"),
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": ref("Group")}],
            },
        },
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": {"Fn::Sub": "${AWS::StackName}-web"},
                "Cpu": "512",
                "Memory": "1024",
                "NetworkMode": "awsvpc",
                "RequiresCompatibilities": ["FARGATE"],
                "ExecutionRoleArn": att("Role", "Arn"),
                "ContainerDefinitions": [container],
            },
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "DependsOn": "Listener",
            "Properties": {
                "Cluster": ref("Cluster"),
                "TaskDefinition": ref("Task"),
                "LaunchType": "FARGATE",
                "DesiredCount": "2",
                "HealthCheckGracePeriodSeconds": 0,
                "LoadBalancers": [
                    {
                        "TargetGroupArn": ref("Group"),
                        "ContainerName": "web",
                        "ContainerPort": "8000",
                    }
                ],
                "DeploymentConfiguration": {
                    "MinimumHealthyPercent": "100",
                    "MaximumPercent": "200",
                    "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
                },
                **service,
            },
        },
    }


@pytest.fixture(scope="module")
def stack(cloud: Cloud, agents: Agents) -> Iterator[Stack]:
    del agents  # only have to be there
    stack = cloud.created(resources(), OUTPUTS)
    yield stack
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    until("its tasks to end", lambda: not tasks(cloud, stack))


@contextmanager
def another(cloud: Cloud, body: Json) -> Iterator[Stack]:
    """A stack that is being created while we look, and is deleted afterwards."""
    name = cloud.create(body, OUTPUTS)
    until("its service", lambda: services(cloud, name))
    yield Stack(name, "", {"Cluster": f"{name}-Cluster", "Service": f"{name}-Service"})
    cloud.finished(name)
    cloud.deleted(name)


def services(cloud: Cloud, name: str) -> list[ServiceTypeDef]:
    ecs = cloud.client("ecs")
    if f"{name}-Cluster" not in str(ecs.list_clusters()["clusterArns"]):
        return []
    described = ecs.describe_services(cluster=f"{name}-Cluster", services=[f"{name}-Service"])
    return described["services"]


def nothing_is_left_of(cloud: Cloud, name: str) -> None:
    """No task, and no service that would start one."""
    until("all tasks to end", lambda: not tasks(cloud, Stack(name, "", {})))
    clusters = cloud.client("ecs").list_clusters()["clusterArns"]
    assert not [arn for arn in clusters if name in arn]
    cloud.deleted(name)


def tasks(cloud: Cloud, stack: Stack) -> list[Json]:
    """The tasks that the fleet is asked for."""
    return [t for t in cloud.state()["tasks"] if t["family"] == f"{stack.name}-web"]


def described(cloud: Cloud, stack: Stack, arn: str) -> TaskTypeDef:
    (task,) = cloud.client("ecs").describe_tasks(cluster=stack.outputs["Cluster"], tasks=[arn])[
        "tasks"
    ]
    return task


def steady(cloud: Cloud, stack: Stack) -> bool:
    (service,) = services(cloud, stack.name)
    return (
        service["runningCount"] == service["desiredCount"]
        and [d.get("rolloutState") for d in service["deployments"]] == ["COMPLETED"]
        and len([t for t in tasks(cloud, stack) if not t["stopping"]]) == service["desiredCount"]
    )


def target_addresses(cloud: Cloud, stack: Stack) -> set[str]:
    health = cloud.client("elbv2").describe_target_health(TargetGroupArn=stack.outputs["Group"])
    return {
        d["Target"]["Id"]
        for d in health["TargetHealthDescriptions"]
        if d["TargetHealth"]["State"] != "draining"
    }


def test_tasks_are_described_to_the_fleet(cloud: Cloud, stack: Stack) -> None:
    one, two = tasks(cloud, stack)

    assert one["address"] != two["address"]
    assert one["address"].startswith(f"127.{cloud.addresses.octet}.30.")
    assert (one["image"], one["command"]) == ("obliging", ["python", "-m", "app"])
    assert (one["cpu_units"], one["memory_mib"], one["stop_timeout_s"]) == (512, 1024, 7)
    assert one["environment"]["VERSION"] == "1"
    assert one["environment"]["AWS_ENDPOINT_URL"] == cloud.url
    assert one["environment"]["AWS_REGION"] == "us-east-1"
    assert one["stopping"] is False


def test_running_tasks_are_the_targets_of_their_service(cloud: Cloud, stack: Stack) -> None:
    assert target_addresses(cloud, stack) == {t["address"] for t in tasks(cloud, stack)}


def test_a_task_learns_who_it_is_and_gets_credentials(cloud: Cloud, stack: Stack) -> None:
    task = tasks(cloud, stack)[0]
    environment = task["environment"]

    metadata = cloud.get(
        environment["ECS_CONTAINER_METADATA_URI_V4"].removeprefix(cloud.url) + "/task"
    )
    credentials = cloud.get(
        environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].removeprefix(cloud.url)
    )

    assert task["task_arn"] in metadata
    assert "AccessKeyId" in credentials


def test_a_stopped_task_drains_is_stopped_and_is_replaced(cloud: Cloud, stack: Stack) -> None:
    until("a steady service", lambda: steady(cloud, stack))
    victim = tasks(cloud, stack)[0]

    cloud.client("ecs").stop_task(cluster=stack.outputs["Cluster"], task=victim["task_arn"])

    draining = described(cloud, stack, victim["task_arn"])
    assert draining["lastStatus"] == "DEACTIVATING"
    assert [t["stopping"] for t in tasks(cloud, stack) if t["id"] == victim["id"]] == [False]
    assert victim["address"] not in target_addresses(cloud, stack)
    until("a replacement", lambda: steady(cloud, stack))
    until("the task to end", lambda: victim["id"] not in {t["id"] for t in tasks(cloud, stack)})
    assert described(cloud, stack, victim["task_arn"])["lastStatus"] == "STOPPED"


def test_a_task_that_ends_by_itself_is_replaced(cloud: Cloud, stack: Stack) -> None:
    until("a steady service", lambda: steady(cloud, stack))
    victim = tasks(cloud, stack)[0]

    def gone() -> bool:
        # The obliging agents would report it running again.
        exited = {"state": "exited", "exit_code": 137, "pid": None}
        cloud.report(machines={victim["id"]: exited})
        return victim["id"] not in {t["id"] for t in tasks(cloud, stack)}

    until("the task to go", gone)
    until("a replacement", lambda: steady(cloud, stack))
    ended = described(cloud, stack, victim["task_arn"])
    assert ended["stopCode"] == "EssentialContainerExited"
    assert ended["containers"][0]["exitCode"] == 137


def test_a_task_that_fails_its_health_checks_is_replaced(cloud: Cloud, stack: Stack) -> None:
    until("a steady service", lambda: steady(cloud, stack))
    victim = tasks(cloud, stack)[0]
    group, target = stack.outputs["Group"], f"{victim['address']}:8000"

    def gone() -> bool:
        cloud.report(targets={group: {target: {"state": "unhealthy"}}})
        return described(cloud, stack, victim["task_arn"])["desiredStatus"] == "STOPPED"

    until("the task to be stopped", gone)
    until("a replacement", lambda: steady(cloud, stack))
    reason = described(cloud, stack, victim["task_arn"])["stoppedReason"]
    assert "failed ELB health checks" in reason


def test_a_new_version_rolls_out_and_the_old_one_drains(cloud: Cloud, stack: Stack) -> None:
    until("a steady service", lambda: steady(cloud, stack))

    assert cloud.updated(stack.name, resources(version="2"), OUTPUTS).status == "UPDATE_COMPLETE"

    old = [t for t in tasks(cloud, stack) if t["environment"]["VERSION"] == "1"]
    new = [t for t in tasks(cloud, stack) if t["environment"]["VERSION"] == "2"]
    assert len(new) == 2
    assert target_addresses(cloud, stack) == {t["address"] for t in new}
    assert [t["stopping"] for t in old] == [False] * len(old)
    until("the old tasks to go", lambda: len(tasks(cloud, stack)) == 2)


def test_scaling_follows_the_desired_count(cloud: Cloud, stack: Stack) -> None:
    ecs = cloud.client("ecs")
    for desired in (3, 2):
        ecs.update_service(
            cluster=stack.outputs["Cluster"],
            service=stack.outputs["Service"],
            desiredCount=desired,
        )
        until(f"{desired} tasks", lambda: steady(cloud, stack))


def test_what_a_task_writes_lands_in_its_log_group(cloud: Cloud, stack: Stack) -> None:
    until("a steady service", lambda: steady(cloud, stack))
    task = tasks(cloud, stack)[0]
    folder = cloud.directory / "machines" / task["id"]
    folder.mkdir(parents=True)
    (folder / "output.log").write_text("hello from the task\n")

    def messages() -> list[str]:
        events = cloud.client("logs").filter_log_events(logGroupName=stack.outputs["Logs"])
        return [event["message"] for event in events["events"]]

    assert until("the line", messages) == ["hello from the task"]


def test_a_task_is_pending_until_the_fleet_runs_it(cloud: Cloud) -> None:
    with another(cloud, resources(image=Agents.STUCK)) as stack:
        until("both tasks", lambda: len(tasks(cloud, stack)) == 2)
        (service,) = services(cloud, stack.name)
        task_arn = tasks(cloud, stack)[0]["task_arn"]

        assert (service["runningCount"], service["pendingCount"]) == (0, 2)
        assert described(cloud, stack, task_arn)["lastStatus"] == "PENDING"
        status = cloud.client("cloudformation").describe_stacks(StackName=stack.name)
        assert status["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"

        for task in tasks(cloud, stack):
            cloud.report(machines={task["id"]: {"state": "running", "exit_code": None, "pid": 1}})


def test_the_circuit_breaker_gives_a_crashing_service_up(cloud: Cloud) -> None:
    name = cloud.create(resources(image=Agents.CRASHING))

    assert cloud.finished(name).status == "ROLLBACK_COMPLETE"
    assert "Service: ECS deployment circuit breaker was triggered" in str(cloud.reasons(name))
    nothing_is_left_of(cloud, name)


def test_a_service_that_never_gets_healthy_is_given_up_too(cloud: Cloud) -> None:
    name = cloud.create(resources(image=Agents.UNHEALTHY))

    assert cloud.finished(name).status == "ROLLBACK_COMPLETE"
    assert "circuit breaker was triggered" in str(cloud.reasons(name))
    nothing_is_left_of(cloud, name)


def test_a_stack_may_be_deleted_while_it_waits_for_its_service(cloud: Cloud) -> None:
    name = cloud.create(resources(image=Agents.STUCK), OUTPUTS)
    stack = Stack(name, "", {})
    until("its tasks", lambda: tasks(cloud, stack))
    client = cloud.client("cloudformation")
    arn = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]

    client.delete_stack(StackName=name)

    def status() -> bool:
        (found,) = client.describe_stacks(StackName=arn)["Stacks"]
        return found["StackStatus"] == "DELETE_COMPLETE"

    until("the stack to go", status)
    until("its tasks to end", lambda: not tasks(cloud, stack))


def test_an_update_that_crashes_rolls_back_to_what_worked(cloud: Cloud, stack: Stack) -> None:
    until("a steady service", lambda: steady(cloud, stack))
    before = {t["id"] for t in tasks(cloud, stack)}

    after = cloud.updated(stack.name, resources(image=Agents.CRASHING), OUTPUTS)

    assert after.status == "UPDATE_ROLLBACK_COMPLETE"
    assert before <= {t["id"] for t in tasks(cloud, stack) if not t["stopping"]}
    until("the old tasks only", lambda: {t["id"] for t in tasks(cloud, stack)} == before)
    until("the rollback to be completed", lambda: rollout(cloud, stack) == "COMPLETED")


def rollout(cloud: Cloud, stack: Stack) -> str:
    (service,) = services(cloud, stack.name)
    (primary,) = [d for d in service["deployments"] if d.get("status") == "PRIMARY"]
    return primary["rolloutState"]


def test_a_fleet_that_cannot_start_a_task_says_why(cloud: Cloud) -> None:
    with another(cloud, resources(image=Agents.STUCK, DesiredCount=1)) as stack:
        failed: set[str] = set()

        def refused() -> str:
            for task in tasks(cloud, stack):
                failed.add(task["task_arn"])
                reason = "no image stuck: run nineways build"
                report = {"state": "exited", "exit_code": None, "pid": None, "reason": reason}
                cloud.report(machines={task["id"]: report})
            reasons = [described(cloud, stack, arn).get("stoppedReason", "") for arn in failed]
            return next((r for r in reasons if "no image stuck" in r), "")

        assert until("the reason", refused)
        cloud.client("ecs").update_service(
            cluster=stack.outputs["Cluster"], service=stack.outputs["Service"], desiredCount=0
        )
