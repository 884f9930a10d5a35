"""CreationPolicy: a stack waits for its instances' signals."""

import json
from typing import Literal

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Cloud, Json, att, ref, until

pytestmark = pytest.mark.lab


def instance(timeout: str = "PT5M") -> Json:
    return {
        "Type": "AWS::EC2::Instance",
        "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": timeout}},
        "Properties": {"ImageId": "ami-12345678"},
    }


RESOURCES: Json = {
    "Active": instance(),
    "Standby": instance(),
    "Address": {"Type": "AWS::EC2::EIP", "Properties": {}},
    "Link": {
        "Type": "AWS::EC2::EIPAssociation",
        "Properties": {
            "AllocationId": att("Address", "AllocationId"),
            "InstanceId": ref("Active"),
        },
    },
}


def instances_of(cloud: Cloud, stack: str) -> dict[str, str]:
    """Instance ids by logical id."""
    found = {}
    for machine in cloud.state()["instances"]:
        if machine["tags"].get("aws:cloudformation:stack-name") == stack:
            found[machine["tags"]["aws:cloudformation:logical-id"]] = machine["id"]
    return found


def signal(
    cloud: Cloud, stack: str, logical_id: str, status: Literal["SUCCESS", "FAILURE"] = "SUCCESS"
) -> None:
    cloud.client("cloudformation").signal_resource(
        StackName=stack, LogicalResourceId=logical_id, UniqueId=f"i-{logical_id}", Status=status
    )


def status(cloud: Cloud, stack: str) -> str:
    return cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0][
        "StackStatus"
    ]


def story(cloud: Cloud, stack: str, logical_id: str) -> list[str]:
    """What the events say of a resource, in order."""
    events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [
        f"{event['ResourceStatus']} {event.get('ResourceStatusReason', '')}".strip()
        for event in reversed(events)
        if event["LogicalResourceId"] == logical_id
    ]


def gone(cloud: Cloud, stack: str) -> None:
    """Delete a stack that is still being created."""
    client = cloud.client("cloudformation")
    arn = client.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    client.delete_stack(StackName=stack)
    until("the stack to go", lambda: status(cloud, arn) == "DELETE_COMPLETE")


def test_instances_boot_side_by_side_and_the_rest_waits_for_both(cloud: Cloud) -> None:
    stack = cloud.create(RESOURCES)
    until("both instances to be launched", lambda: len(instances_of(cloud, stack)) == 2)

    signal(cloud, stack, "Active")
    assert status(cloud, stack) == "CREATE_IN_PROGRESS"
    assert not any(a["instance_id"] for a in cloud.state()["addresses"])

    signal(cloud, stack, "Standby")
    assert cloud.finished(stack).status == "CREATE_COMPLETE"
    assert story(cloud, stack, "Standby") == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS Received SUCCESS signal with UniqueId i-Standby",
        "CREATE_COMPLETE",
    ]
    assert cloud.deleted(stack) == "DELETE_COMPLETE"


def test_a_first_boot_that_fails_rolls_the_stack_back_and_says_so(cloud: Cloud) -> None:
    stack = cloud.create(RESOURCES)
    until("both instances to be launched", lambda: len(instances_of(cloud, stack)) == 2)

    signal(cloud, stack, "Standby", "FAILURE")

    assert cloud.finished(stack).status == "ROLLBACK_COMPLETE"
    reason = "Received FAILURE signal with UniqueId i-Standby"
    assert f"Standby: {reason}" in cloud.reasons(stack)
    assert f"CREATE_FAILED {reason}" in story(cloud, stack, "Standby")
    assert instances_of(cloud, stack) == {}
    cloud.deleted(stack)


def test_an_instance_that_nothing_comes_after_is_waited_for_too(cloud: Cloud) -> None:
    stack = cloud.create({"Only": instance(timeout="PT1S")})

    assert cloud.finished(stack).status == "ROLLBACK_COMPLETE"
    assert "Only: Failed to receive 1 resource signal(s)" in str(cloud.reasons(stack))
    assert instances_of(cloud, stack) == {}
    cloud.deleted(stack)


def test_a_stack_may_be_deleted_while_it_waits_for_signals(cloud: Cloud) -> None:
    stack = cloud.create(RESOURCES)
    until("both instances to be launched", lambda: len(instances_of(cloud, stack)) == 2)

    gone(cloud, stack)

    assert instances_of(cloud, stack) == {}


def test_a_stack_cannot_be_deleted_in_the_middle_of_an_update(cloud: Cloud) -> None:
    stack = cloud.create({"Other": {"Type": "AWS::SQS::Queue", "Properties": {}}})
    cloud.finished(stack)
    body = json.dumps({"Resources": {"Only": instance()}})
    client = cloud.client("cloudformation")
    client.update_stack(StackName=stack, TemplateBody=body)
    until("the instance to be launched", lambda: instances_of(cloud, stack))

    with pytest.raises(ClientError, match="UPDATE_IN_PROGRESS state and can not be deleted"):
        client.delete_stack(StackName=stack)

    signal(cloud, stack, "Only")
    assert cloud.finished(stack).status == "UPDATE_COMPLETE"
    cloud.deleted(stack)


def test_a_signal_after_the_stack_stands_is_taken(cloud: Cloud) -> None:
    stack = cloud.create({"Only": instance()})
    until("the instance to be launched", lambda: instances_of(cloud, stack))
    signal(cloud, stack, "Only")
    assert cloud.finished(stack).status == "CREATE_COMPLETE"

    signal(cloud, stack, "Only")

    assert status(cloud, stack) == "CREATE_COMPLETE"
    cloud.deleted(stack)
