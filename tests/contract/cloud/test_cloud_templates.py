"""The project's own templates stand, change and go."""

import io
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

import deploy
from tests.contract.cloud.conftest import Agents, Cloud, Json, Stack, signalling, until

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("agents")]

FOLDER = Path(str(deploy.__file__)).parent
HANDLER = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hello'}\n"


class Loader(yaml.SafeLoader):
    """Reads parameters; what CloudFormation's short forms mean does not matter here."""


Loader.add_multi_constructor("!", lambda *_: "")


def begun(
    cloud: Cloud,
    slug: str,
    known: Mapping[str, str],
    *,
    update: bool = False,
    body: str | None = None,
) -> str:
    """Begin to create or update a stack with those of the known values that its template asks for.

    `body` is a template that stands in for the variant's own.
    """
    body = body or (FOLDER / slug / "template.yaml").read_text()
    asked: dict[str, Any] = yaml.load(body, Loader)["Parameters"]  # noqa: S506 - derived from SafeLoader
    client, name = cloud.client("cloudformation"), slug.replace("_", "-")
    act = client.update_stack if update else client.create_stack
    act(
        StackName=name,
        TemplateBody=body,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": known[key]} for key in asked if key in known
        ],
        Tags=[{"Key": "project", "Value": "nineways"}],
    )
    return name


def stood_up(
    cloud: Cloud,
    slug: str,
    known: Mapping[str, str],
    *,
    update: bool = False,
    body: str | None = None,
) -> Stack:
    """Create or update a stack as `begun` does, and wait until it is as it was asked for."""
    name = begun(cloud, slug, known, update=update, body=body)
    with signalling(cloud, name):
        stack = cloud.finished(name)
    assert stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, cloud.reasons(name)
    return stack


@pytest.fixture(scope="module")
def known(cloud: Cloud) -> Iterator[dict[str, str]]:
    """The outputs of the foundation, and what the place would add."""
    foundation = stood_up(cloud, "foundation", {})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("app/entrypoints/lambda_http.py", HANDLER)
        package.writestr("app/entrypoints/lambda_sqs.py", HANDLER)
    bucket = foundation.outputs["BucketName"]
    cloud.client("s3").put_object(Bucket=bucket, Key="lambda.zip", Body=archive.getvalue())
    yield {
        **foundation.outputs,
        "BundleKey": "bundle.tar.gz",
        "HttpPort": "8080",
        "ImageUri": "nineways/service:abc",
        "LambdaRuntime": "python3.13",
        "LambdaZipKey": "lambda.zip",
        "RunWorker": "true",
        "Version": "abc",
    }
    cloud.client("s3").delete_object(Bucket=bucket, Key="lambda.zip")
    assert cloud.deleted("foundation") == "DELETE_COMPLETE"


def changed(known: Mapping[str, str]) -> dict[str, str]:
    return {**known, "Version": "def"}


def test_ec2_eip(cloud: Cloud, known: dict[str, str]) -> None:
    before = stood_up(cloud, "ec2_eip", known)
    (address,) = [
        a
        for a in cloud.state()["addresses"]
        if f"http://{a['public_ip']}:8080" == before.outputs["Url"]
    ]
    assert address["instance_id"] == before.outputs["ActiveInstanceId"]
    assert address["ports"] == [8080]

    after = stood_up(cloud, "ec2_eip", changed(known), update=True)

    assert after.outputs["Url"] == before.outputs["Url"]
    assert after.outputs["ActiveInstanceId"] != before.outputs["ActiveInstanceId"]
    (machine,) = [
        i for i in cloud.state()["instances"] if i["id"] == after.outputs["ActiveInstanceId"]
    ]
    assert machine["tags"]["project"] == "nineways"
    assert cloud.deleted("ec2-eip") == "DELETE_COMPLETE"
    assert cloud.state()["addresses"] == []


def test_ec2_route53(cloud: Cloud, known: dict[str, str]) -> None:
    before = stood_up(cloud, "ec2_route53", known)
    assert before.outputs["Url"] == "http://app.lab.test:8080"
    assert set(answers(cloud)) == {"first", "second"}

    third = stood_up(cloud, "ec2_route53", {**known, "InstanceCount": "3"}, update=True)
    assert set(answers(cloud)) == {"first", "second", "third"}
    assert third.outputs["FirstInstanceId"] == before.outputs["FirstInstanceId"]

    after = stood_up(cloud, "ec2_route53", {**changed(known), "InstanceCount": "1"}, update=True)
    assert after.outputs["FirstInstanceId"] != before.outputs["FirstInstanceId"]
    assert answers(cloud) == {
        "first": {i["id"]: i["address"] for i in cloud.state()["instances"]}[
            after.outputs["FirstInstanceId"]
        ]
    }

    assert cloud.deleted("ec2-route53") == "DELETE_COMPLETE"
    assert cloud.state()["hosted_zones"] == []
    assert cloud.state()["health_checks"] == []


def answers(cloud: Cloud) -> dict[str, str]:
    """The addresses that a name stands for, by who they are; each is checked where it leads."""
    state = cloud.state()
    checks = {check["id"]: check["address"] for check in state["health_checks"]}
    records = [
        record
        for zone in state["hosted_zones"]
        for record in zone["records"]
        if record["type"] == "A"
    ]
    assert {checks[record["health_check_id"]] for record in records} == set(checks.values())
    found = {record["set_id"]: record["values"][0] for record in records}
    assert set(found.values()) == set(checks.values())
    return found


def test_alb_asg(cloud: Cloud, known: dict[str, str]) -> None:
    stack = stood_up(cloud, "alb_asg", known)
    (balancer,) = cloud.state()["load_balancers"]
    assert stack.outputs["Url"] == f"http://{balancer['address']}:8080"
    until("both in their hook", lambda: states(cloud) == ["Pending:Wait"] * 2)
    with entering(cloud):
        until("both in service", lambda: states(cloud) == ["InService"] * 2)
        cloud.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName="alb-asg", DesiredCapacity=3
        )
        until("three in service", lambda: states(cloud) == ["InService"] * 3)
        more = {"RequestsPerTarget": "600", "WarmPoolSize": "1", "ZoneName": "lab.test"}
        stack = stood_up(cloud, "alb_asg", {**known, **more, "MaxInstances": "5"}, update=True)

        assert stack.outputs["Url"] == "http://asg.lab.test:8080"
        assert (group(cloud)["desired"], group(cloud)["max"]) == (3, 5)
        assert group(cloud)["warm_pool"]["min_size"] == 1
        metrics = {policy["metric"] for policy in group(cloud)["policies"]}
        assert metrics == {"ASGAverageCPUUtilization", "ALBRequestCountPerTarget"}

        stood_up(cloud, "alb_asg", known, update=True)
        before = {instance["id"] for instance in group(cloud)["instances"]}
        stood_up(cloud, "alb_asg", changed(known), update=True)

    serving = [i["id"] for i in group(cloud)["instances"] if i["lifecycle_state"] == "InService"]
    assert len(serving) == 3
    assert before.isdisjoint(serving)
    assert cloud.deleted("alb-asg") == "DELETE_COMPLETE"
    assert cloud.state()["auto_scaling_groups"] == []
    assert cloud.state()["hosted_zones"] == []


def group(cloud: Cloud) -> Json:
    (group,) = cloud.state()["auto_scaling_groups"]
    assert isinstance(group, dict)
    return group


def states(cloud: Cloud) -> list[str]:
    return [instance["lifecycle_state"] for instance in group(cloud)["instances"]]


@contextmanager
def entering(cloud: Cloud) -> Iterator[None]:
    """Let every instance that waits in its hook go on, as its user data would."""
    client, enough = cloud.client("autoscaling"), threading.Event()

    def serve() -> None:
        while not enough.wait(0.05):
            for group in cloud.state()["auto_scaling_groups"]:
                pool = (group["warm_pool"] or {"instances": []})["instances"]
                for instance in [*group["instances"], *pool]:
                    if instance["lifecycle_state"].endswith(":Wait"):
                        # Refused when it has gone on since.
                        with suppress(ClientError):
                            client.complete_lifecycle_action(
                                AutoScalingGroupName=group["name"],
                                LifecycleHookName="serves",
                                InstanceId=instance["id"],
                                LifecycleActionResult="CONTINUE",
                            )

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def test_alb_ecs_ec2(cloud: Cloud, known: dict[str, str]) -> None:
    # An instance on which the new tasks have room beside the old ones.
    roomy = {**known, "InstanceType": "t3.small"}
    stack = stood_up(cloud, "alb_ecs_ec2", roomy)
    (instance,) = cloud.state()["instances"]
    until("the second task", lambda: len(tasks(cloud, "web")) == 2)
    old = tasks(cloud, "web")
    assert len({task["host_ports"]["8000"] for task in old}) == 2
    assert {t["instance_id"] for t in [*old, *tasks(cloud, "worker")]} == {instance["id"]}
    (provider,) = cloud.state()["capacity_providers"]
    assert provider["asg_name"] == stack.outputs["GroupName"]
    assert provider["managed_scaling"] is True

    by_hand = {**changed(roomy), "ManagedScaling": "DISABLED"}
    stood_up(cloud, "alb_ecs_ec2", by_hand, update=True)

    new = [task for task in tasks(cloud, "web") if task not in old]
    assert [task["environment"]["NINEWAYS_VERSION"] for task in new] == ["def"] * 2
    (provider,) = cloud.state()["capacity_providers"]
    assert provider["managed_scaling"] is False
    assert cloud.deleted("alb-ecs-ec2") == "DELETE_COMPLETE"
    until("all tasks to end", lambda: not cloud.state()["tasks"])
    assert cloud.state()["capacity_providers"] == []
    assert cloud.state()["instances"] == []


def tasks(cloud: Cloud, kind: str) -> list[Json]:
    return [t for t in cloud.state()["tasks"] if t["family"] == f"alb-ecs-ec2-{kind}"]


def test_alb_ecs_fargate(cloud: Cloud, agents: Agents, known: dict[str, str]) -> None:
    del agents
    stack = stood_up(cloud, "alb_ecs_fargate", known)
    (balancer,) = cloud.state()["load_balancers"]
    assert stack.outputs["Url"] == f"http://{balancer['address']}:8080"
    assert balancer["listeners"][0]["port"] == 8080

    (target,) = cloud.state()["scalable_targets"]
    assert (target["min"], target["max"], target["desired"]) == (2, 6, 2)
    ecs, cluster = cloud.client("ecs"), stack.outputs["ClusterName"]
    ecs.update_service(cluster=cluster, service=stack.outputs["ServiceName"], desiredCount=3)
    fast = {"MetricResolution": "20"}

    stood_up(cloud, "alb_ecs_fargate", {**known, **fast}, update=True)
    stood_up(cloud, "alb_ecs_fargate", {**changed(known), **fast}, update=True)

    # What scaling had found out, stays; what it measures by, follows.
    (target,) = cloud.state()["scalable_targets"]
    assert target["desired"] == 3
    (policy,) = target["policies"]
    assert policy["metric"] == "ECSServiceAverageCPUUtilizationHighResolution"
    versions = [
        task["environment"]["NINEWAYS_VERSION"]
        for task in cloud.state()["tasks"]
        if task["family"] == "alb-ecs-fargate-web"
    ]
    assert versions.count("def") == 3
    assert cloud.deleted("alb-ecs-fargate") == "DELETE_COMPLETE"
    until("all tasks to end", lambda: not cloud.state()["tasks"])


def test_apigw_lambda(cloud: Cloud, known: dict[str, str]) -> None:
    stack = stood_up(cloud, "apigw_lambda", known)
    api_id = stack.outputs["ApiId"]
    assert stack.outputs["Url"] == f"https://{api_id}.execute-api.us-east-1.amazonaws.com/live"

    stood_up(cloud, "apigw_lambda", changed(known), update=True)

    assert cloud.get("/live/", Host=f"{api_id}.execute-api.localhost:4566") == "hello"
    assert cloud.deleted("apigw-lambda") == "DELETE_COMPLETE"
    assert api_id not in {api["id"] for api in cloud.state()["rest_apis"]}
