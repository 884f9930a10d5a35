"""Elastic IPs: association, failover, and stacks that outlive a failover."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Cloud, Json, Stack, att, ref

pytestmark = pytest.mark.lab

INSTANCE: Json = {
    "Type": "AWS::EC2::Instance",
    "Properties": {"ImageId": "ami-12345678", "SecurityGroupIds": [ref("Group")]},
}
RESOURCES: Json = {
    "Group": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": "clients",
            "SecurityGroupIngress": [
                {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "CidrIp": "0.0.0.0/0"}
            ],
        },
    },
    "Active": INSTANCE,
    "Standby": INSTANCE,
    "Address": {
        "Type": "AWS::EC2::EIP",
        "Properties": {"Domain": "vpc", "Tags": [{"Key": "Name", "Value": "the address"}]},
    },
    "Link": {
        "Type": "AWS::EC2::EIPAssociation",
        "Properties": {
            "AllocationId": att("Address", "AllocationId"),
            "InstanceId": ref("Active"),
        },
    },
}
OUTPUTS = {
    "Ip": ref("Address"),
    "Allocation": att("Address", "AllocationId"),
    "Active": ref("Active"),
    "Standby": ref("Standby"),
}


@pytest.fixture
def stack(cloud: Cloud) -> Iterator[Stack]:
    stack = cloud.created(RESOURCES, OUTPUTS)
    yield stack
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    assert address(cloud, stack) is None


def address(cloud: Cloud, stack: Stack) -> Json | None:
    everything = cloud.state()["addresses"]
    return next((a for a in everything if a["public_ip"] == stack.outputs["Ip"]), None)


def private_ip(cloud: Cloud, instance_id: str) -> str:
    (machine,) = [i for i in cloud.state()["instances"] if i["id"] == instance_id]
    return str(machine["address"])


def test_the_address_leads_to_the_instance_it_is_associated_with(
    cloud: Cloud, stack: Stack
) -> None:
    assert stack.outputs["Ip"].startswith(f"127.{cloud.addresses.octet}.52.")
    assert address(cloud, stack) == {
        "public_ip": stack.outputs["Ip"],
        "instance_id": stack.outputs["Active"],
        "target": private_ip(cloud, stack.outputs["Active"]),
        "ports": [8080],
    }


def test_a_failover_moves_the_address_and_the_stack_can_still_be_deleted(
    cloud: Cloud, stack: Stack
) -> None:
    cloud.client("ec2").associate_address(
        AllocationId=stack.outputs["Allocation"],
        InstanceId=stack.outputs["Standby"],
        AllowReassociation=True,
    )

    moved = address(cloud, stack)

    assert moved
    assert moved["target"] == private_ip(cloud, stack.outputs["Standby"])
    (described,) = cloud.client("ec2").describe_addresses(PublicIps=[moved["public_ip"]])[
        "Addresses"
    ]
    assert described["InstanceId"] == stack.outputs["Standby"]


def test_an_address_in_use_moves_only_when_the_call_says_so(cloud: Cloud, stack: Stack) -> None:
    with pytest.raises(ClientError, match=r"Resource\.AlreadyAssociated"):
        cloud.client("ec2").associate_address(
            AllocationId=stack.outputs["Allocation"], InstanceId=stack.outputs["Standby"]
        )


def test_a_terminated_instance_lets_go_of_its_address(cloud: Cloud, stack: Stack) -> None:
    cloud.client("ec2").terminate_instances(InstanceIds=[stack.outputs["Active"]])

    released = address(cloud, stack)

    assert released
    assert (released["instance_id"], released["target"]) == (None, None)


def test_a_stopped_instance_keeps_its_address_but_nothing_is_there(
    cloud: Cloud, stack: Stack
) -> None:
    cloud.client("ec2").stop_instances(InstanceIds=[stack.outputs["Active"]])

    kept = address(cloud, stack)

    assert kept
    assert (kept["instance_id"], kept["target"]) == (stack.outputs["Active"], None)


def test_addresses_are_found_by_tag_and_by_instance(cloud: Cloud, stack: Stack) -> None:
    ec2 = cloud.client("ec2")
    by_instance = ec2.describe_addresses(
        Filters=[{"Name": "instance-id", "Values": [stack.outputs["Active"]]}]
    )["Addresses"]
    by_tag = ec2.describe_addresses(
        Filters=[{"Name": "tag:aws:cloudformation:stack-name", "Values": [stack.name]}]
    )["Addresses"]

    assert [a["PublicIp"] for a in by_instance] == [stack.outputs["Ip"]]
    assert [a["AllocationId"] for a in by_tag] == [stack.outputs["Allocation"]]
    with pytest.raises(ClientError, match="filter 'colour' is invalid"):
        ec2.describe_addresses(Filters=[{"Name": "colour", "Values": ["blue"]}])


def test_an_association_that_is_over_cannot_be_ended_again(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match=r"InvalidAssociationID\.NotFound"):
        cloud.client("ec2").disassociate_address(AssociationId="eipassoc-0123")
