"""Listener rules with every kind of condition, and reserved capacity of load balancers."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.cloud.conftest import Cloud, Json, Stack, ref

pytestmark = pytest.mark.lab

QUERY: Json = {
    "Field": "query-string",
    "QueryStringConfig": {"Values": [{"Key": "version", "Value": "v1"}, {"Value": "*debug*"}]},
}
CONDITIONS: list[Json] = [
    QUERY,
    {
        "Field": "http-header",
        "HttpHeaderConfig": {"HttpHeaderName": "X-Lab", "Values": ["yes", "on"]},
    },
    {"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.0/8"]}},
]
RESOURCES: Json = {
    "Lb": {
        "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "Properties": {
            "Subnets": ["subnet-1"],
            "MinimumLoadBalancerCapacity": {"CapacityUnits": "100"},
        },
    },
    "Group": {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {
            "TargetType": "instance",
            "Protocol": "HTTP",
            "Port": 8000,
            "TargetGroupAttributes": [
                {"Key": "slow_start.duration_seconds", "Value": "30"},
                {"Key": "stickiness.enabled", "Value": "true"},
                {"Key": "stickiness.lb_cookie.duration_seconds", "Value": "60"},
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
    "Rule": {
        "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
        "Properties": {
            "ListenerArn": ref("Listener"),
            "Priority": 1,
            "Conditions": CONDITIONS,
            "Actions": [{"Type": "forward", "TargetGroupArn": ref("Group")}],
        },
    },
}


@pytest.fixture(scope="module")
def stack(cloud: Cloud) -> Iterator[Stack]:
    outputs = {"Lb": ref("Lb"), "Group": ref("Group"), "Listener": ref("Listener")}
    stack = cloud.created(RESOURCES, outputs)
    yield stack
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


def conditions(cloud: Cloud, stack: Stack, priority: str) -> list[Json]:
    (balancer,) = [lb for lb in cloud.state()["load_balancers"] if lb["arn"] == stack.outputs["Lb"]]
    (listener,) = balancer["listeners"]
    (rule,) = [rule for rule in listener["rules"] if rule["priority"] == priority]
    return list(rule["conditions"])


def test_every_condition_reaches_the_edge_whole(cloud: Cloud, stack: Stack) -> None:
    query, header, source = conditions(cloud, stack, "1")

    assert query["QueryStringConfig"] == QUERY["QueryStringConfig"]
    assert header["HttpHeaderConfig"] == {"HttpHeaderName": "X-Lab", "Values": ["yes", "on"]}
    assert (source["Field"], source["Values"]) == ("source-ip", ["127.0.0.0/8"])


def test_a_query_condition_of_the_api_is_kept_and_described(cloud: Cloud, stack: Stack) -> None:
    elb = cloud.client("elbv2")
    query: list[Any] = [QUERY]
    (made,) = elb.create_rule(
        ListenerArn=stack.outputs["Listener"],
        Priority=2,
        Conditions=query,
        Actions=[{"Type": "forward", "TargetGroupArn": stack.outputs["Group"]}],
    )["Rules"]

    assert conditions(cloud, stack, "2")[0]["QueryStringConfig"] == QUERY["QueryStringConfig"]
    (described,) = elb.describe_rules(RuleArns=[made["RuleArn"]])["Rules"]
    assert described["Conditions"][0]["QueryStringConfig"] == QUERY["QueryStringConfig"]
    elb.delete_rule(RuleArn=made["RuleArn"])


def test_weights_of_the_api_are_kept_and_described(cloud: Cloud, stack: Stack) -> None:
    elb = cloud.client("elbv2")
    other = elb.create_target_group(Name="green", Protocol="HTTP", Port=8000, VpcId="vpc-1")
    green = other["TargetGroups"][0]["TargetGroupArn"]
    config: Any = {
        "TargetGroups": [
            {"TargetGroupArn": stack.outputs["Group"], "Weight": 9},
            {"TargetGroupArn": green, "Weight": 1},
        ],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
    }

    (made,) = elb.create_rule(
        ListenerArn=stack.outputs["Listener"],
        Priority=3,
        Conditions=[{"Field": "path-pattern", "Values": ["/new/*"]}],
        Actions=[{"Type": "forward", "ForwardConfig": config}],
    )["Rules"]

    (balancer,) = [lb for lb in cloud.state()["load_balancers"] if lb["arn"] == stack.outputs["Lb"]]
    (rule,) = [one for one in balancer["listeners"][0]["rules"] if one["priority"] == "3"]
    assert rule["actions"][0]["ForwardConfig"] == config
    assert made["Actions"][0]["ForwardConfig"] == config
    elb.delete_rule(RuleArn=made["RuleArn"])
    elb.delete_target_group(TargetGroupArn=green)


def test_slow_start_and_stickiness_reach_the_edge(cloud: Cloud, stack: Stack) -> None:
    (group,) = [
        group for group in cloud.state()["target_groups"] if group["arn"] == stack.outputs["Group"]
    ]

    assert group["attributes"] == {
        "slow_start.duration_seconds": "30",
        "stickiness.enabled": "true",
        "stickiness.lb_cookie.duration_seconds": "60",
    }


def test_reserved_capacity_is_remembered(cloud: Cloud, stack: Stack) -> None:
    elb, arn = cloud.client("elbv2"), stack.outputs["Lb"]

    reserved = elb.describe_capacity_reservation(LoadBalancerArn=arn)
    elb.modify_capacity_reservation(LoadBalancerArn=arn, ResetCapacityReservation=True)

    assert reserved["MinimumLoadBalancerCapacity"]["CapacityUnits"] == 100
    assert reserved["CapacityReservationState"][0]["State"]["Code"] == "provisioned"
    after = elb.describe_capacity_reservation(LoadBalancerArn=arn)
    assert "MinimumLoadBalancerCapacity" not in after


@pytest.mark.parametrize(
    "name",
    [
        "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id",
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    ],
)
def test_the_public_image_parameters_that_templates_name_are_there(cloud: Cloud, name: str) -> None:
    created = cloud.created(
        {
            "I": {
                "Type": "AWS::EC2::Instance",
                "Properties": {"ImageId": f"{{{{resolve:ssm:{name}}}}}"},
            }
        },
        {"I": ref("I")},
    )
    (instance,) = [i for i in cloud.state()["instances"] if i["id"] == created.outputs["I"]]
    assert instance["image_id"].startswith("ami-")
    cloud.deleted(created.name)
