"""What can be reached, from where, and how data is kept."""

import re
from collections.abc import Iterator

from tests.templates.reading import TEMPLATES, Node, Template, each_template, walk

# What a client may be let in by: its own address range, at the one port.
CLIENTS = {"Ref": "AllowedCidr"}
HTTP_PORT = {"Ref": "HttpPort"}


@each_template
def test_only_the_clients_port_is_open_to_the_outside(template: Template) -> None:
    for rule in _ingress(template):
        if "CidrIp" in rule or "CidrIpv6" in rule:
            assert (rule.get("CidrIp"), rule["FromPort"], rule["ToPort"]) == (
                CLIENTS,
                HTTP_PORT,
                HTTP_PORT,
            )


@each_template
def test_any_other_way_in_is_from_a_security_group_of_the_same_template(template: Template) -> None:
    groups = template.of_type("AWS::EC2::SecurityGroup")
    for rule in _ingress(template):
        if "CidrIp" not in rule:
            group, attribute = rule["SourceSecurityGroupId"]["Fn::GetAtt"]
            assert group in groups
            assert attribute == "GroupId"


@each_template
def test_every_rule_is_tcp_and_described(template: Template) -> None:
    for rule in (*_ingress(template), *_egress(template)):
        assert rule["IpProtocol"] == "tcp"
        assert rule["Description"]


@each_template
def test_what_leaves_to_the_internet_is_https(template: Template) -> None:
    for group in template.of_type("AWS::EC2::SecurityGroup").values():
        # A group that lists no rule lets everything out.
        assert group["SecurityGroupEgress"]
    for rule in _egress(template):
        if rule.get("CidrIp") == "0.0.0.0/0":
            assert (rule["FromPort"], rule["ToPort"]) == (443, 443)


def _ingress(template: Template) -> Iterator[Node]:
    for group in template.of_type("AWS::EC2::SecurityGroup").values():
        yield from group.get("SecurityGroupIngress", [])
    yield from template.of_type("AWS::EC2::SecurityGroupIngress").values()


def _egress(template: Template) -> Iterator[Node]:
    for group in template.of_type("AWS::EC2::SecurityGroup").values():
        yield from group.get("SecurityGroupEgress", [])


def test_there_is_no_nat_gateway() -> None:
    assert [t.slug for t in TEMPLATES if t.of_type("AWS::EC2::NatGateway")] == []


@each_template
def test_the_metadata_service_wants_a_token_and_stays_on_the_machine(template: Template) -> None:
    for launch_template in template.of_type("AWS::EC2::LaunchTemplate").values():
        options = launch_template["LaunchTemplateData"]["MetadataOptions"]
        assert options["HttpTokens"] == "required"
        assert options["HttpPutResponseHopLimit"] == 1


@each_template
def test_instances_come_from_a_launch_template(template: Template) -> None:
    for logical_id, instance in template.of_type("AWS::EC2::Instance").items():
        assert "LaunchTemplate" in instance, logical_id


@each_template
def test_disks_are_encrypted(template: Template) -> None:
    for launch_template in template.of_type("AWS::EC2::LaunchTemplate").values():
        for device in launch_template["LaunchTemplateData"]["BlockDeviceMappings"]:
            assert device["Ebs"]["Encrypted"] is True


@each_template
def test_queues_are_encrypted(template: Template) -> None:
    for logical_id, queue in template.of_type("AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True, logical_id


@each_template
def test_buckets_are_encrypted_private_and_forget(template: Template) -> None:
    for bucket in template.of_type("AWS::S3::Bucket").values():
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"]


@each_template
def test_queues_and_buckets_refuse_what_comes_without_tls(template: Template) -> None:
    queues = {queue for p in _policies(template, "SQS::Queue") for queue in _refs(p["Queues"])}
    buckets = {bucket for p in _policies(template, "S3::Bucket") for bucket in _refs(p["Bucket"])}

    assert queues == set(template.of_type("AWS::SQS::Queue"))
    assert buckets == set(template.of_type("AWS::S3::Bucket"))
    for policy in (*_policies(template, "SQS::Queue"), *_policies(template, "S3::Bucket")):
        *others, statement = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for other in others:  # what lets in a service, for one resource of ours only
            assert re.fullmatch(r"[a-z0-9-]+\.amazonaws\.com", other["Principal"]["Service"])
            assert set(_refs(other["Condition"]["ArnEquals"]["aws:SourceArn"]))


def _policies(template: Template, kind: str) -> list[Node]:
    return list(template.of_type(f"AWS::{kind}Policy").values())


def _refs(value: object) -> set[str]:
    return {part["Ref"] for part in walk(value) if isinstance(part, dict) and "Ref" in part}


@each_template
def test_containers_run_as_nobody_and_write_nowhere(template: Template) -> None:
    for task in template.of_type("AWS::ECS::TaskDefinition").values():
        for container in task["ContainerDefinitions"]:
            assert container["User"] == "10001"
            assert container["ReadonlyRootFilesystem"] is True
            assert not container.get("Privileged")
