"""EC2 instances, from a template or from the API."""

import base64

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Cloud, Json, att, ref

pytestmark = pytest.mark.lab

GROUP: Json = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {
        "GroupDescription": "clients",
        "SecurityGroupIngress": [
            {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "CidrIp": "0.0.0.0/0"},
            {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "CidrIp": "10.0.0.0/8"},
        ],
    },
}


def instance(**properties: object) -> Json:
    return {
        "Type": "AWS::EC2::Instance",
        "Properties": {
            "ImageId": "ami-12345678",
            "InstanceType": "t3.micro",
            "SecurityGroupIds": [ref("Group")],
            "UserData": {"Fn::Base64": "#!/bin/bash\necho one"},
            **properties,
        },
    }


def wanted(cloud: Cloud, instance_id: str) -> Json | None:
    return next((i for i in cloud.state()["instances"] if i["id"] == instance_id), None)


def test_an_instance_of_a_template_is_described_to_the_fleet(cloud: Cloud) -> None:
    tags = [{"Key": "Name", "Value": "solo"}]
    stack = cloud.created(
        {"Group": GROUP, "I": instance(Tags=tags)},
        {"Id": ref("I"), "PrivateIp": att("I", "PrivateIp"), "Zone": att("I", "AvailabilityZone")},
    )

    machine = wanted(cloud, stack.outputs["Id"])

    assert machine
    assert machine["address"] == stack.outputs["PrivateIp"]
    assert machine["address"].startswith(f"127.{cloud.addresses.octet}.20.")
    assert base64.b64decode(machine["user_data"]) == b"#!/bin/bash\necho one"
    assert machine["open_ports"] == [8080]
    assert machine["tags"]["Name"] == "solo"
    assert machine["tags"]["aws:cloudformation:logical-id"] == "I"
    assert machine["environment"]["AWS_ENDPOINT_URL"] == cloud.url
    assert stack.outputs["Zone"].startswith("us-east-1")
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    assert wanted(cloud, stack.outputs["Id"]) is None


def test_a_launch_template_gives_what_the_instance_does_not_say(cloud: Cloud) -> None:
    data = {
        "ImageId": "ami-12345678",
        "InstanceType": "t3.large",
        "SecurityGroupIds": [ref("Group")],
        "UserData": {"Fn::Base64": "from the template"},
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": [{"Key": "version", "Value": "1"}]}
        ],
    }
    resources: Json = {
        "Group": GROUP,
        "Lt": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}},
        "I": {
            "Type": "AWS::EC2::Instance",
            "Properties": {
                "LaunchTemplate": {
                    "LaunchTemplateId": ref("Lt"),
                    "Version": att("Lt", "LatestVersionNumber"),
                }
            },
        },
    }
    stack = cloud.created(resources, {"Id": ref("I")})
    machine = wanted(cloud, stack.outputs["Id"])

    assert machine
    assert machine["instance_type"] == "t3.large"
    assert machine["tags"]["version"] == "1"
    assert base64.b64decode(machine["user_data"]) == b"from the template"

    # A new version of the template replaces the instance.
    data["InstanceType"] = "t3.small"
    after = cloud.updated(stack.name, resources, {"Id": ref("I")})
    assert after.status == "UPDATE_COMPLETE"
    assert after.outputs["Id"] != stack.outputs["Id"]
    assert wanted(cloud, stack.outputs["Id"]) is None
    cloud.deleted(stack.name)


def test_run_instances_reads_its_launch_template(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    ec2.create_launch_template(
        LaunchTemplateName="by-name",
        LaunchTemplateData={"ImageId": "ami-12345678", "UserData": "aGk="},
    )

    launched = ec2.run_instances(
        LaunchTemplate={"LaunchTemplateName": "by-name"}, MinCount=1, MaxCount=1
    )
    instance_id = launched["Instances"][0]["InstanceId"]

    attribute = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
    assert attribute["UserData"]["Value"] == "aGk="
    ec2.terminate_instances(InstanceIds=[instance_id])


def test_a_changed_tag_keeps_the_instance(cloud: Cloud) -> None:
    stack = cloud.created({"Group": GROUP, "I": instance()}, {"Id": ref("I")})

    resources = {"Group": GROUP, "I": instance(Tags=[{"Key": "colour", "Value": "blue"}])}
    after = cloud.updated(stack.name, resources, {"Id": ref("I")})

    machine = wanted(cloud, stack.outputs["Id"])
    assert after.outputs == stack.outputs
    assert machine
    assert machine["tags"]["colour"] == "blue"
    cloud.deleted(stack.name)


def test_a_stopped_instance_stays_listed_as_stopped(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    launched = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    instance_id = launched["Instances"][0]["InstanceId"]

    ec2.stop_instances(InstanceIds=[instance_id])
    stopped = wanted(cloud, instance_id)
    ec2.start_instances(InstanceIds=[instance_id])
    started = wanted(cloud, instance_id)
    ec2.terminate_instances(InstanceIds=[instance_id])

    assert stopped
    assert started
    assert (stopped["state"], started["state"]) == ("stopped", "running")
    assert wanted(cloud, instance_id) is None


@pytest.mark.parametrize(
    ("seen", "status"), [(None, "initializing"), ("running", "ok"), ("exited", "impaired")]
)
def test_the_status_of_an_instance_is_what_the_fleet_saw(
    cloud: Cloud, seen: str | None, status: str
) -> None:
    ec2 = cloud.client("ec2")
    launched = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    instance_id = launched["Instances"][0]["InstanceId"]
    if seen:
        cloud.report(machines={instance_id: {"state": seen, "exit_code": None, "pid": 1}})

    (described,) = ec2.describe_instance_status(InstanceIds=[instance_id])["InstanceStatuses"]

    assert described["InstanceStatus"]["Status"] == status
    ec2.terminate_instances(InstanceIds=[instance_id])


def test_a_property_that_would_be_dropped_is_refused_and_the_stack_rolls_back(
    cloud: Cloud,
) -> None:
    name = cloud.create({"Group": GROUP, "I": instance(HibernationOptions={"Configured": True})})

    assert cloud.finished(name).status == "ROLLBACK_COMPLETE"
    (reason,) = cloud.reasons(name)
    assert "I: Encountered unsupported property HibernationOptions" in reason
    cloud.deleted(name)


def test_an_unknown_resource_type_is_refused_by_name(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::EC2::NatGateway\]"):
        cloud.create({"N": {"Type": "AWS::EC2::NatGateway", "Properties": {}}})


def test_rules_may_be_resources_of_their_own(cloud: Cloud) -> None:
    rule = {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "Properties": {
            "GroupId": ref("Group"),
            "IpProtocol": "tcp",
            "FromPort": 9000,
            "ToPort": 9000,
            "CidrIp": "0.0.0.0/0",
        },
    }
    stack = cloud.created({"Group": GROUP, "Rule": rule, "I": instance()}, {"Id": ref("I")})
    with_rule = wanted(cloud, stack.outputs["Id"])

    cloud.updated(stack.name, {"Group": GROUP, "I": instance()}, {"Id": ref("I")})
    without = wanted(cloud, stack.outputs["Id"])

    assert with_rule
    assert without
    assert (with_rule["open_ports"], without["open_ports"]) == ([8080, 9000], [8080])
    cloud.deleted(stack.name)


def test_an_image_may_come_from_amazons_public_parameter(cloud: Cloud) -> None:
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    client = cloud.client("cloudformation")
    client.create_stack(
        StackName="by-parameter",
        TemplateBody=(
            "Parameters: {Image: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', "
            f"Default: {name}}}}}\n"
            "Resources: {I: {Type: 'AWS::EC2::Instance', Properties: {ImageId: !Ref Image}}}"
        ),
    )

    assert cloud.finished("by-parameter").status == "CREATE_COMPLETE"
    cloud.deleted("by-parameter")


def test_ref_of_an_instance_profile_is_its_name(cloud: Cloud) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }
    profile = {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [ref("Role")]}}
    stack = cloud.created(
        {"Role": role, "Profile": profile},
        {"Name": ref("Profile"), "Arn": att("Profile", "Arn")},
    )

    assert stack.outputs["Arn"].endswith(f"instance-profile/{stack.outputs['Name']}")
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


def test_a_network_tells_its_address_range(cloud: Cloud) -> None:
    network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.77.0.0/16"}}

    stack = cloud.created({"Vpc": network}, {"Range": att("Vpc", "CidrBlock")})

    assert stack.outputs == {"Range": "10.77.0.0/16"}
    cloud.deleted(stack.name)
