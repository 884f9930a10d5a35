"""Groups in stacks: signals that creation waits for, and updates that roll."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.contract.cloud.conftest import Agents, Cloud, Json, Stack, signalling, template, until
from tests.contract.cloud.test_cloud_groups import (
    OUTPUTS,
    group,
    nothing_is_left_of,
    resources,
    serving,
)

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("agents")]


def rolling(user_data: str, timeout: str = "PT10S", **policy: object) -> Json:
    """A group that signals, in its first version or a later one."""
    body = resources(user_data, DesiredCapacity="2", MaxSize="3", AutoScalingGroupName="rolling")
    body["Group"]["CreationPolicy"] = {"ResourceSignal": {"Count": "2", "Timeout": timeout}}
    body["Group"]["UpdatePolicy"] = {
        "AutoScalingRollingUpdate": {
            "MinInstancesInService": "2",
            "MaxBatchSize": "1",
            "PauseTime": timeout,
            "WaitOnResourceSignals": "true",
            "SuspendProcesses": ["AlarmNotification"],
            **policy,
        }
    }
    return body


@contextmanager
def stood_up(cloud: Cloud) -> Iterator[Stack]:
    name = cloud.create(rolling("#!/bin/sh\n"), OUTPUTS)
    with signalling(cloud, name):
        stack = cloud.finished(name)
    assert stack.status == "CREATE_COMPLETE", cloud.reasons(name)
    try:
        yield stack
    finally:
        # Of a failed test too: the control plane is everybody's, and the group has a name.
        ended = cloud.deleted(name)
    assert ended == "DELETE_COMPLETE"
    nothing_is_left_of(cloud, "rolling")


def events(cloud: Cloud, name: str) -> list[str]:
    """Resources in the order in which they were completed, the last one first."""
    answer = cloud.client("cloudformation").describe_stack_events(StackName=name)
    return [
        event["LogicalResourceId"]
        for event in answer["StackEvents"]
        if event.get("ResourceStatus") == "CREATE_COMPLETE"
    ]


def versions(cloud: Cloud) -> list[str]:
    """The launch template versions of those in service."""
    (described,) = cloud.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=["rolling"]
    )["AutoScalingGroups"]
    return [
        i["LaunchTemplate"]["Version"]
        for i in described["Instances"]
        if i["LifecycleState"] == "InService"
    ]


def test_a_group_is_complete_when_its_instances_have_signalled(cloud: Cloud) -> None:
    name = cloud.create(rolling("#!/bin/sh\n"), OUTPUTS)
    until(
        "its instances", lambda: [g for g in cloud.state()["auto_scaling_groups"] if g["instances"]]
    )
    # What a signalling instance needs is there already.
    assert "Listener" in events(cloud, name)
    assert "Group" not in events(cloud, name)

    with signalling(cloud, name):
        assert cloud.finished(name).status == "CREATE_COMPLETE"

    assert "Group" in events(cloud, name)
    cloud.deleted(name)


def test_a_group_whose_instance_fails_is_rolled_back_and_says_why(cloud: Cloud) -> None:
    name = cloud.create(rolling("#!/bin/sh\n"))
    with signalling(cloud, name, "FAILURE"):
        assert cloud.finished(name).status == "ROLLBACK_COMPLETE"

    assert "Group: Received FAILURE signal with UniqueId i-" in str(cloud.reasons(name))
    nothing_is_left_of(cloud, "rolling")
    cloud.deleted(name)


def test_a_silent_group_is_given_up_in_time(cloud: Cloud) -> None:
    name = cloud.create(rolling("#!/bin/sh\n", timeout="PT1S"))

    assert cloud.finished(name).status == "ROLLBACK_COMPLETE"
    assert "Failed to receive 2 resource signal(s)" in str(cloud.reasons(name))
    nothing_is_left_of(cloud, "rolling")
    cloud.deleted(name)


def test_a_new_template_replaces_every_instance_and_never_has_too_few(
    cloud: Cloud, agents: Agents
) -> None:
    del agents  # only have to be there
    with stood_up(cloud) as stack:
        before = set(until("two in service", lambda: serving(cloud, stack)))
        cloud.client("cloudformation").update_stack(
            StackName=stack.name, TemplateBody=body_of(rolling("#!/bin/sh\n# new\n"))
        )
        fewest = 2
        with signalling(cloud, stack.name):
            while in_progress(cloud, stack.name):
                members = group(cloud, "rolling")["instances"]
                in_service = [m for m in members if m["lifecycle_state"] == "InService"]
                fewest = min(fewest, len(in_service))
            assert cloud.finished(stack.name).status == "UPDATE_COMPLETE"

        assert fewest == 2
        after = set(until("two in service", lambda: serving(cloud, stack)))
        assert not before & after
        assert versions(cloud) == ["2", "2"]
        assert (group(cloud, "rolling")["desired"], group(cloud, "rolling")["suspended"]) == (2, [])


def test_a_new_template_that_fails_leaves_the_old_instances(cloud: Cloud) -> None:
    with stood_up(cloud) as stack:
        before = set(until("two in service", lambda: serving(cloud, stack)))
        cloud.client("cloudformation").update_stack(
            StackName=stack.name, TemplateBody=body_of(rolling("#!/bin/sh\nexit 1\n"))
        )
        with signalling(cloud, stack.name, "FAILURE"):
            until(
                "the rollback",
                lambda: "ROLLBACK" in status(cloud, stack.name),
            )
        with signalling(cloud, stack.name):
            after = cloud.finished(stack.name)

        assert after.status == "UPDATE_ROLLBACK_COMPLETE"
        assert "Group: Received FAILURE signal" in str(cloud.reasons(stack.name))
        until("the old ones", lambda: set(serving(cloud, stack)) == before)


def test_without_an_update_policy_a_new_template_waits_for_the_next_launch(cloud: Cloud) -> None:
    stack = cloud.created(resources(AutoScalingGroupName="rolling"), OUTPUTS)
    until("two in service", lambda: serving(cloud, stack))

    changed = resources("#!/bin/sh\n# new\n", AutoScalingGroupName="rolling")
    assert cloud.updated(stack.name, changed, OUTPUTS).status == "UPDATE_COMPLETE"

    assert versions(cloud) == ["1", "1"]
    cloud.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName="rolling", DesiredCapacity=3
    )
    until("three in service", lambda: len(serving(cloud, stack)) == 3)
    assert sorted(versions(cloud)) == ["1", "1", "2"]
    # The outdated ones go first.
    cloud.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName="rolling", DesiredCapacity=2
    )
    until("two in service", lambda: len(serving(cloud, stack)) == 2)
    assert sorted(versions(cloud)) == ["1", "2"]
    cloud.deleted(stack.name)


def body_of(body: Json) -> str:
    return json.dumps(template(body, OUTPUTS))


def status(cloud: Cloud, name: str) -> str:
    described = cloud.client("cloudformation").describe_stacks(StackName=name)
    return described["Stacks"][0]["StackStatus"]


def in_progress(cloud: Cloud, name: str) -> bool:
    return status(cloud, name).endswith("IN_PROGRESS")
