"""Application Auto Scaling: scalable targets and policies of ECS services."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Agents, Cloud, Json, Stack, att, ref, until
from tests.contract.cloud.test_cloud_services import OUTPUTS, resources

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("agents")]

RESOURCE_ID = {"Fn::Sub": ["service/${Cluster}/${Name}", {"Name": att("Service", "Name")}]}


def scaled(least: str = "2", most: str = "4", cooldown: str = "60") -> Json:
    body = resources()
    del body["Service"]["Properties"]["DesiredCount"]
    return {
        **body,
        "Scaling": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                "ServiceNamespace": "ecs",
                "ScalableDimension": "ecs:service:DesiredCount",
                "ResourceId": RESOURCE_ID,
                "MinCapacity": least,
                "MaxCapacity": most,
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "cpu",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": ref("Scaling"),
                "TargetTrackingScalingPolicyConfiguration": {
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ECSServiceAverageCPUUtilizationHighResolution"
                    },
                    "TargetValue": "50",
                    "ScaleOutCooldown": cooldown,
                },
            },
        },
    }


@pytest.fixture(scope="module")
def stack(cloud: Cloud, agents: Agents) -> Iterator[Stack]:
    del agents  # only have to be there
    outputs = {**OUTPUTS, "Scaling": ref("Scaling"), "Policy": ref("Policy")}
    stack = cloud.created(scaled(), outputs)
    yield stack
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    assert cloud.state()["scalable_targets"] == []
    until("its tasks to end", lambda: not cloud.state()["tasks"])


def target(cloud: Cloud) -> Json:
    (found,) = cloud.state()["scalable_targets"]
    return dict(found)


def resource_id(stack: Stack) -> str:
    return f"service/{stack.outputs['Cluster']}/{stack.outputs['Service']}"


def test_a_service_is_brought_into_its_bounds_at_once(cloud: Cloud, stack: Stack) -> None:
    assert target(cloud) == {
        "resource_id": resource_id(stack),
        "min": 2,
        "max": 4,
        "desired": 2,
        "policies": [
            {
                "name": "cpu",
                "type": "TargetTrackingScaling",
                "target_value": 50.0,
                "metric": "ECSServiceAverageCPUUtilizationHighResolution",
                "resource_label": None,
                "scale_out_cooldown_s": 60,
                "scale_in_cooldown_s": 300,
                "disable_scale_in": False,
            }
        ],
    }
    activities = cloud.client("application-autoscaling").describe_scaling_activities(
        ServiceNamespace="ecs", ResourceId=resource_id(stack)
    )["ScalingActivities"]
    assert [a["Cause"] for a in activities] == ["minimum capacity was set to 2"]


def test_its_references_are_those_of_cloudformation(stack: Stack) -> None:
    assert stack.outputs["Scaling"] == f"{resource_id(stack)}|ecs:service:DesiredCount|ecs"
    assert stack.outputs["Policy"].startswith("arn:aws:autoscaling:us-east-1:")


def test_what_is_registered_is_described(cloud: Cloud, stack: Stack) -> None:
    scaling = cloud.client("application-autoscaling")

    (described,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]

    assert (described["MinCapacity"], described["MaxCapacity"]) == (2, 4)
    assert described["ResourceId"] == policy["ResourceId"] == resource_id(stack)
    assert policy["PolicyARN"] == stack.outputs["Policy"]


def test_an_update_changes_bounds_and_policies_and_leaves_the_count(
    cloud: Cloud, stack: Stack
) -> None:
    cloud.client("ecs").update_service(
        cluster=stack.outputs["Cluster"], service=stack.outputs["Service"], desiredCount=4
    )

    assert cloud.updated(stack.name, scaled(cooldown="30")).status == "UPDATE_COMPLETE"
    assert target(cloud)["desired"] == 4
    assert target(cloud)["policies"][0]["scale_out_cooldown_s"] == 30

    assert cloud.updated(stack.name, scaled(most="3")).status == "UPDATE_COMPLETE"
    assert target(cloud)["desired"] == 3


def test_policies_and_targets_may_be_made_and_removed_by_the_api(
    cloud: Cloud, stack: Stack
) -> None:
    scaling = cloud.client("application-autoscaling")
    where = {
        "ServiceNamespace": "ecs",
        "ResourceId": resource_id(stack),
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.put_scaling_policy(
        **where,
        PolicyName="requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 100,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ALBRequestCountPerTarget",
                "ResourceLabel": "app/a/1/targetgroup/b/2",
            },
        },
    )

    assert [p["name"] for p in target(cloud)["policies"]] == ["cpu", "requests"]
    assert target(cloud)["policies"][1]["resource_label"] == "app/a/1/targetgroup/b/2"
    scaling.delete_scaling_policy(**where, PolicyName="requests")
    assert [p["name"] for p in target(cloud)["policies"]] == ["cpu"]
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        scaling.delete_scaling_policy(**where, PolicyName="requests")


def test_no_service_is_no_target(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="ECS service doesn't exist"):
        cloud.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId="service/none/none",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=1,
            MaxCapacity=2,
        )
