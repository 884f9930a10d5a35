"""Load balancers and target groups: addresses, registration, draining, health."""

from collections.abc import Iterator

import pytest

from tests.contract.cloud.conftest import Cloud, Json, Stack, att, ref, until

pytestmark = pytest.mark.lab


def target_group(**properties: object) -> Json:
    return {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {
            "TargetType": "ip",
            "Protocol": "HTTP",
            "Port": 8000,
            "HealthCheckPath": "/healthz",
            "HealthCheckIntervalSeconds": 5,
            "UnhealthyThresholdCount": 3,
            "TargetGroupAttributes": [
                {"Key": "deregistration_delay.timeout_seconds", "Value": "1"}
            ],
            **properties,
        },
    }


RESOURCES: Json = {
    "Lb": {
        "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "Properties": {
            "Subnets": ["subnet-1", "subnet-2"],
            "LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "33"}],
        },
    },
    "One": target_group(Targets=[{"Id": "127.0.0.9", "Port": 9000}]),
    "Two": target_group(),
    "Unused": target_group(Targets=[{"Id": "127.0.0.9"}]),
    "Listener": {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {
            "LoadBalancerArn": ref("Lb"),
            "Port": "8080",
            "Protocol": "HTTP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": ref("One")}],
        },
    },
    "Rule": {
        "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
        "Properties": {
            "ListenerArn": ref("Listener"),
            "Priority": 10,
            "Conditions": [{"Field": "path-pattern", "Values": ["/two/*"]}],
            "Actions": [
                {
                    "Type": "forward",
                    "ForwardConfig": {
                        "TargetGroups": [
                            {"TargetGroupArn": ref("One"), "Weight": 90},
                            {"TargetGroupArn": ref("Two"), "Weight": 10},
                        ]
                    },
                }
            ],
        },
    },
}
OUTPUTS = {
    "Dns": att("Lb", "DNSName"),
    "Lb": ref("Lb"),
    "One": ref("One"),
    "Two": ref("Two"),
    "Unused": ref("Unused"),
}


@pytest.fixture(scope="module")
def stack(cloud: Cloud) -> Iterator[Stack]:
    stack = cloud.created(RESOURCES, OUTPUTS)
    yield stack
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    state = cloud.state()
    assert not [lb for lb in state["load_balancers"] if lb["arn"] == stack.outputs["Lb"]]
    assert not [tg for tg in state["target_groups"] if tg["arn"] == stack.outputs["One"]]


def group(cloud: Cloud, arn: str) -> Json:
    (found,) = [tg for tg in cloud.state()["target_groups"] if tg["arn"] == arn]
    return dict(found)


def targets(cloud: Cloud, arn: str) -> set[tuple[str, int, bool]]:
    found = group(cloud, arn)["targets"]
    return {(target["address"], target["port"], target["draining"]) for target in found}


def health(cloud: Cloud, arn: str) -> set[tuple[str, str]]:
    described = cloud.client("elbv2").describe_target_health(TargetGroupArn=arn)
    return {
        (d["TargetHealth"]["State"], d["TargetHealth"].get("Reason", ""))
        for d in described["TargetHealthDescriptions"]
    }


def test_the_dns_name_is_an_address_of_the_lab(cloud: Cloud, stack: Stack) -> None:
    (balancer,) = [lb for lb in cloud.state()["load_balancers"] if lb["arn"] == stack.outputs["Lb"]]

    assert balancer["address"] == stack.outputs["Dns"]
    assert balancer["address"].startswith(f"127.{cloud.addresses.octet}.40.")
    assert balancer["attributes"]["idle_timeout.timeout_seconds"] == "33"
    (described,) = cloud.client("elbv2").describe_load_balancers(
        LoadBalancerArns=[stack.outputs["Lb"]]
    )["LoadBalancers"]
    assert described["DNSName"] == stack.outputs["Dns"]


def test_listeners_carry_their_rules_with_all_weights(cloud: Cloud, stack: Stack) -> None:
    (balancer,) = [lb for lb in cloud.state()["load_balancers"] if lb["arn"] == stack.outputs["Lb"]]
    (listener,) = balancer["listeners"]
    (rule,) = listener["rules"]

    assert listener["port"] == 8080
    assert listener["default_actions"][0]["TargetGroupArn"] == stack.outputs["One"]
    assert rule["conditions"] == [{"Field": "path-pattern", "Values": ["/two/*"]}]
    weights = rule["actions"][0]["ForwardConfig"]["TargetGroups"]
    assert [g["Weight"] for g in weights] == [90, 10]


def test_a_load_balancer_of_the_api_gets_an_address_too(cloud: Cloud) -> None:
    elb = cloud.client("elbv2")
    (made,) = elb.create_load_balancer(Name="by-api", Subnets=["subnet-1"])["LoadBalancers"]

    assert made["DNSName"].startswith(f"127.{cloud.addresses.octet}.40.")
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])


def test_a_target_group_tells_the_edge_how_to_check(cloud: Cloud, stack: Stack) -> None:
    assert group(cloud, stack.outputs["One"])["health_check"] == {
        "enabled": True,
        "path": "/healthz",
        "port": "traffic-port",
        "interval_s": 5,
        "timeout_s": 5,
        "healthy_threshold": 5,
        "unhealthy_threshold": 3,
        "matcher": "200",
    }


def test_the_targets_of_a_template_are_registered(cloud: Cloud, stack: Stack) -> None:
    assert targets(cloud, stack.outputs["One"]) == {("127.0.0.9", 9000, False)}
    assert targets(cloud, stack.outputs["Unused"]) == {("127.0.0.9", 8000, False)}


def test_one_address_may_be_registered_with_two_ports(cloud: Cloud, stack: Stack) -> None:
    elb, arn = cloud.client("elbv2"), stack.outputs["Two"]
    elb.register_targets(
        TargetGroupArn=arn,
        Targets=[{"Id": "127.0.0.7", "Port": 1}, {"Id": "127.0.0.7", "Port": 2}],
    )
    assert targets(cloud, arn) == {("127.0.0.7", 1, False), ("127.0.0.7", 2, False)}

    elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.7", "Port": 1}])

    assert targets(cloud, arn) == {("127.0.0.7", 1, True), ("127.0.0.7", 2, False)}
    assert ("draining", "Target.DeregistrationInProgress") in health(cloud, arn)
    until("the drained target to go", lambda: len(targets(cloud, arn)) == 1)
    elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.7"}])
    until("the other one to go", lambda: not targets(cloud, arn))


def test_a_target_that_comes_back_drains_no_more(cloud: Cloud, stack: Stack) -> None:
    elb, arn = cloud.client("elbv2"), stack.outputs["Two"]
    again = [{"Id": "127.0.0.8", "Port": 1}]
    elb.register_targets(TargetGroupArn=arn, Targets=again)  # type: ignore[arg-type]  # a literal
    elb.deregister_targets(TargetGroupArn=arn, Targets=again)  # type: ignore[arg-type]  # a literal
    elb.register_targets(TargetGroupArn=arn, Targets=again)  # type: ignore[arg-type]  # a literal

    assert targets(cloud, arn) == {("127.0.0.8", 1, False)}
    elb.deregister_targets(TargetGroupArn=arn, Targets=again)  # type: ignore[arg-type]  # a literal


def test_target_health_is_what_the_edge_saw(cloud: Cloud, stack: Stack) -> None:
    arn = stack.outputs["One"]
    before = health(cloud, arn)
    cloud.report(targets={arn: {"127.0.0.9:9000": {"state": "unhealthy"}}})
    failing = health(cloud, arn)
    cloud.report(targets={arn: {"127.0.0.9:9000": {"state": "healthy", "reason": ""}}})

    assert before == {("initial", "Elb.RegistrationInProgress")}
    assert failing == {("unhealthy", "Target.FailedHealthChecks")}
    assert health(cloud, arn) == {("healthy", "")}


def test_targets_that_no_listener_reaches_are_unused(cloud: Cloud, stack: Stack) -> None:
    assert health(cloud, stack.outputs["Unused"]) == {("unused", "Target.NotInUse")}


def test_an_instance_target_has_the_address_of_its_instance(cloud: Cloud) -> None:
    stack = cloud.created(
        {
            "I": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "ami-12345678"}},
            "Group": target_group(TargetType="instance", Targets=[{"Id": ref("I")}]),
        },
        {"Ip": att("I", "PrivateIp"), "Group": ref("Group")},
    )

    assert targets(cloud, stack.outputs["Group"]) == {(stack.outputs["Ip"], 8000, False)}
    cloud.deleted(stack.name)
