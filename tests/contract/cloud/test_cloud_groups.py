"""Auto Scaling groups: instances that come, serve, are replaced and go."""

import base64
from collections.abc import Iterator
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Agents, Cloud, Json, Stack, att, ref, until

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("agents")]

OUTPUTS = {"Group": ref("Group"), "Targets": ref("Targets")}
HOOK = {
    "LifecycleHookName": "boot",
    "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
    "HeartbeatTimeout": "600",
    "DefaultResult": "ABANDON",
}


def launch_template(user_data: str = "#!/bin/sh\n") -> Json:
    return {
        "Type": "AWS::EC2::LaunchTemplate",
        "Properties": {
            "LaunchTemplateData": {
                "ImageId": "ami-12345678",
                "InstanceType": "t3.micro",
                "UserData": base64.b64encode(user_data.encode()).decode(),
            }
        },
    }


def resources(user_data: str = "#!/bin/sh\n", **group: object) -> Json:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        **{
            f"Subnet{zone}": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {
                    "VpcId": ref("Vpc"),
                    "CidrBlock": f"10.0.{number}.0/24",
                    "AvailabilityZone": f"us-east-1{zone}",
                },
            }
            for number, zone in enumerate("ab")
        },
        "Lb": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Subnets": [ref("Subneta"), ref("Subnetb")]},
        },
        "Targets": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "TargetType": "instance",
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
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": ref("Targets")}],
            },
        },
        "Template": launch_template(user_data),
        "Group": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {
                "MinSize": "1",
                "MaxSize": "4",
                "DesiredCapacity": "2",
                "VPCZoneIdentifier": [ref("Subneta"), ref("Subnetb")],
                "LaunchTemplate": {
                    "LaunchTemplateId": ref("Template"),
                    "Version": att("Template", "LatestVersionNumber"),
                },
                "TargetGroupARNs": [ref("Targets")],
                "HealthCheckType": "ELB",
                "HealthCheckGracePeriod": "0",
                "DefaultInstanceWarmup": "30",
                "Tags": [{"Key": "Name", "Value": "web", "PropagateAtLaunch": True}],
                **group,
            },
        },
        "Policy": {
            "Type": "AWS::AutoScaling::ScalingPolicy",
            "Properties": {
                "AutoScalingGroupName": ref("Group"),
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingConfiguration": {
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ASGAverageCPUUtilization"
                    },
                    "TargetValue": "50",
                },
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


def nothing_is_left_of(cloud: Cloud, name: str) -> None:
    state = cloud.state()
    assert not [g for g in state["auto_scaling_groups"] if g["name"] == name]
    assert not [i for i in state["instances"] if i["tags"].get("aws:autoscaling:groupName") == name]


def group(cloud: Cloud, name: str) -> Json:
    (found,) = [g for g in cloud.state()["auto_scaling_groups"] if g["name"] == name]
    return dict(found)


def serving(cloud: Cloud, stack: Stack) -> list[str]:
    """Ids of the instances in service, when no others are there and each is a target."""
    known = group(cloud, stack.outputs["Group"])
    ids = [member["id"] for member in known["instances"]]
    registered = targets(cloud, stack)
    if len(ids) == known["desired"] and set(ids) == registered and len(registered) == len(ids):
        states = {member["lifecycle_state"] for member in known["instances"]}
        return ids if states == {"InService"} else []
    return []


def targets(cloud: Cloud, stack: Stack) -> set[str]:
    """Ids of the targets, also of those that drain."""
    (found,) = [t for t in cloud.state()["target_groups"] if t["arn"] == stack.outputs["Targets"]]
    return {target["id"] for target in found["targets"]}


def machines(cloud: Cloud, name: str) -> dict[str, Json]:
    return {
        i["id"]: i
        for i in cloud.state()["instances"]
        if i["tags"].get("aws:autoscaling:groupName") == name
    }


def set_desired(cloud: Cloud, stack: Stack, desired: int) -> None:
    cloud.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=stack.outputs["Group"], DesiredCapacity=desired
    )


def activities(cloud: Cloud, name: str) -> list[str]:
    """Description, cause and status of each, the latest first."""
    answer = cloud.client("autoscaling").describe_scaling_activities(AutoScalingGroupName=name)
    return [f"{a['Description']} {a['Cause']} {a['StatusCode']}" for a in answer["Activities"]]


def test_a_group_launches_its_instances_into_its_zones_and_target_groups(
    cloud: Cloud, stack: Stack
) -> None:
    ids = until("two in service", lambda: serving(cloud, stack))

    assert len(ids) == 2
    (described,) = cloud.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[stack.outputs["Group"]]
    )["AutoScalingGroups"]
    assert {i["AvailabilityZone"] for i in described["Instances"]} == {"us-east-1a", "us-east-1b"}
    assert described["TargetGroupARNs"] == [stack.outputs["Targets"]]
    running = machines(cloud, stack.outputs["Group"])
    assert {running[key]["tags"]["Name"] for key in ids} == {"web"}
    assert {running[key]["image_id"] for key in ids} == {"ami-12345678"}
    (targets_of,) = [
        t for t in cloud.state()["target_groups"] if t["arn"] == stack.outputs["Targets"]
    ]
    assert {t["address"] for t in targets_of["targets"]} == {running[k]["address"] for k in ids}


def test_the_state_document_tells_the_scaling_controller_all_it_needs(
    cloud: Cloud, stack: Stack
) -> None:
    until("two in service", lambda: serving(cloud, stack))
    told = group(cloud, stack.outputs["Group"])

    assert {key: told[key] for key in ("min", "max", "desired", "cooldown_s", "warmup_s")} == {
        "min": 1,
        "max": 4,
        "desired": 2,
        "cooldown_s": 300,
        "warmup_s": 30,
    }
    (policy,) = told["policies"]
    assert policy == {
        "name": policy["name"],
        "type": "TargetTrackingScaling",
        "target_value": 50.0,
        "metric": "ASGAverageCPUUtilization",
        "resource_label": None,
        "disable_scale_in": False,
    }
    assert (told["warm_pool"], told["detailed_monitoring"]) == (None, False)


def test_more_capacity_launches_and_less_drains_before_it_terminates(
    cloud: Cloud, stack: Stack
) -> None:
    until("two in service", lambda: serving(cloud, stack))
    set_desired(cloud, stack, 3)
    three = until("three in service", lambda: serving(cloud, stack))
    set_desired(cloud, stack, 2)

    def leaving() -> list[Json]:
        members = group(cloud, stack.outputs["Group"])["instances"]
        return [m for m in members if m["lifecycle_state"] == "Terminating"]

    (victim,) = until("one that leaves", leaving)
    assert victim["id"] in targets(cloud, stack)
    assert victim["id"] in machines(cloud, stack.outputs["Group"])
    two = until("two in service", lambda: serving(cloud, stack))
    assert set(two) == set(three) - {victim["id"]}
    assert victim["id"] not in machines(cloud, stack.outputs["Group"])
    (latest, before, *_) = activities(cloud, stack.outputs["Group"])
    assert latest.startswith(f"Terminating EC2 instance: {victim['id']}")
    assert "changing the desired capacity from 3 to 2" in latest
    assert before.startswith("Launching a new EC2 instance")
    assert "increasing the capacity from 2 to 3. Successful" in before


def test_a_capacity_outside_of_the_bounds_is_refused(cloud: Cloud, stack: Stack) -> None:
    for desired, word in ((5, "above max value 4"), (0, "below min value 1")):
        with pytest.raises(ClientError, match=word):
            set_desired(cloud, stack, desired)


def test_an_instance_that_ends_is_replaced(cloud: Cloud, stack: Stack, agents: Agents) -> None:
    victim, other = until("two in service", lambda: serving(cloud, stack))
    agents.broken.add(victim)

    def replaced() -> bool:
        return victim not in (serving(cloud, stack) or [victim])

    until("a replacement", replaced)
    assert other in serving(cloud, stack)
    assert any(
        "EC2 instance status checks failure" in a for a in activities(cloud, stack.outputs["Group"])
    )


def test_an_instance_whose_target_is_unhealthy_is_replaced(
    cloud: Cloud, stack: Stack, agents: Agents
) -> None:
    victim, _ = until("two in service", lambda: serving(cloud, stack))
    agents.failing.add(machines(cloud, stack.outputs["Group"])[victim]["address"])

    until("a replacement", lambda: victim not in (serving(cloud, stack) or [victim]))

    causes = activities(cloud, stack.outputs["Group"])
    assert "in response to an unhealthy instance needing to be replaced" in str(causes)
    assert any("ELB system health check failure" in cause for cause in causes)


def test_an_instance_that_somebody_terminates_is_replaced(cloud: Cloud, stack: Stack) -> None:
    victim, _ = until("two in service", lambda: serving(cloud, stack))

    cloud.client("ec2").terminate_instances(InstanceIds=[victim])

    until("a replacement", lambda: victim not in (serving(cloud, stack) or [victim]))


def test_an_instance_may_be_terminated_with_its_place(cloud: Cloud, stack: Stack) -> None:
    victim, other = until("two in service", lambda: serving(cloud, stack))

    cloud.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=victim, ShouldDecrementDesiredCapacity=True
    )

    assert until("one in service", lambda: serving(cloud, stack)) == [other]
    set_desired(cloud, stack, 2)


def test_while_launching_is_suspended_nothing_is_launched(cloud: Cloud, stack: Stack) -> None:
    until("two in service", lambda: serving(cloud, stack))
    autoscaling, name = cloud.client("autoscaling"), stack.outputs["Group"]
    autoscaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    set_desired(cloud, stack, 3)
    version = cloud.state()["version"]
    cloud.state(since=version, wait_s=0.5)

    assert len(group(cloud, name)["instances"]) == 2
    assert group(cloud, name)["suspended"] == ["Launch"]
    autoscaling.resume_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    until("three in service", lambda: len(serving(cloud, stack)) == 3)
    set_desired(cloud, stack, 2)
    until("two in service", lambda: len(serving(cloud, stack)) == 2)


def test_an_update_of_the_stack_fits_the_capacity_into_its_bounds(
    cloud: Cloud, stack: Stack
) -> None:
    set_desired(cloud, stack, 3)

    cloud.updated(stack.name, resources(MaxSize="2"), OUTPUTS)

    assert group(cloud, stack.outputs["Group"])["desired"] == 2
    cloud.updated(stack.name, resources(), OUTPUTS)
    assert group(cloud, stack.outputs["Group"])["desired"] == 2
    until("two in service", lambda: len(serving(cloud, stack)) == 2)


def test_a_launch_that_fails_is_an_activity_that_failed(cloud: Cloud) -> None:
    ec2, name = cloud.client("ec2"), f"g{uuid4().hex[:8]}"
    ec2.create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"InstanceType": "t3.micro"}
    )
    autoscaling = cloud.client("autoscaling")
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=1,
        MaxSize=1,
        LaunchTemplate={"LaunchTemplateName": name},
        AvailabilityZones=["us-east-1a"],
    )

    (failed,) = until("the activity", lambda: activities(cloud, name))

    assert failed.endswith("Failed")
    with pytest.raises(ClientError, match="not found"):
        autoscaling.set_desired_capacity(AutoScalingGroupName="no-such", DesiredCapacity=1)
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    nothing_is_left_of(cloud, name)


def test_an_instance_waits_in_its_hook_until_its_script_completes_it(cloud: Cloud) -> None:
    stack = cloud.created(
        resources(DesiredCapacity="1", LifecycleHookSpecificationList=[HOOK]), OUTPUTS
    )
    name, autoscaling = stack.outputs["Group"], cloud.client("autoscaling")

    def in_hook() -> str:
        members = group(cloud, name)["instances"]
        return next((m["id"] for m in members if m["lifecycle_state"] == "Pending:Wait"), "")

    def complete(instance_id: str, result: str) -> None:
        autoscaling.complete_lifecycle_action(
            AutoScalingGroupName=name,
            LifecycleHookName="boot",
            InstanceId=instance_id,
            LifecycleActionResult=result,
        )

    first = until("one in its hook", in_hook)
    assert targets(cloud, stack) == set()
    complete(first, "ABANDON")
    second = until("another one in its hook", lambda: (n := in_hook()) != first and n)
    assert isinstance(second, str)
    complete(second, "CONTINUE")

    assert until("one in service", lambda: serving(cloud, stack)) == [second]
    with pytest.raises(ClientError, match="No active Lifecycle Action found with instance ID"):
        complete(second, "CONTINUE")
    cloud.deleted(stack.name)
    nothing_is_left_of(cloud, name)


def test_a_warm_pool_gives_prepared_instances_first(cloud: Cloud) -> None:
    body = resources(DesiredCapacity="1", MaxSize="2")
    body["Pool"] = {
        "Type": "AWS::AutoScaling::WarmPool",
        "Properties": {
            "AutoScalingGroupName": ref("Group"),
            "MinSize": "1",
            "PoolState": "Stopped",
        },
    }
    stack = cloud.created(body, OUTPUTS)
    name = stack.outputs["Group"]

    def stopped() -> str:
        members = group(cloud, name)["warm_pool"]["instances"]
        return next((m["id"] for m in members if m["lifecycle_state"] == "Warmed:Stopped"), "")

    warm = until("a stopped one", stopped)
    assert machines(cloud, name)[warm]["state"] == "stopped"
    assert warm not in targets(cloud, stack)
    (first,) = until("one in service", lambda: serving(cloud, stack))

    set_desired(cloud, stack, 2)

    assert set(until("two in service", lambda: serving(cloud, stack))) == {first, warm}
    assert machines(cloud, name)[warm]["state"] == "running"
    assert any("from warm pool" in one for one in activities(cloud, name))
    refilled = until("the pool to be filled again", stopped)
    assert refilled != warm
    pool = cloud.client("autoscaling").describe_warm_pool(AutoScalingGroupName=name)
    assert [i["InstanceId"] for i in pool["Instances"]] == [refilled]
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    nothing_is_left_of(cloud, name)


def test_an_instance_learns_from_its_metadata_what_it_is_for(cloud: Cloud, stack: Stack) -> None:
    instance_id = until("two in service", lambda: serving(cloud, stack))[0]
    base = f"/_lab/metadata/{instance_id}/latest"
    token = cloud.request(
        "PUT", f"{base}/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    )
    state = cloud.request(
        "GET",
        f"{base}/meta-data/autoscaling/target-lifecycle-state",
        headers={"X-aws-ec2-metadata-token": token},
    )

    assert state == "InService"
