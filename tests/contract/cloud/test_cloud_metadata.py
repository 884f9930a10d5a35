"""The metadata service of an instance."""

import json
import urllib.error
from collections.abc import Iterator

import pytest
from botocore.utils import InstanceMetadataFetcher

from tests.contract.cloud.conftest import Cloud, Json, ref

pytestmark = pytest.mark.lab

RESOURCES: Json = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    },
    "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [ref("Role")]}},
    "I": {
        "Type": "AWS::EC2::Instance",
        "Properties": {
            "ImageId": "ami-12345678",
            "IamInstanceProfile": ref("Profile"),
            "UserData": {"Fn::Base64": "#!/bin/bash"},
        },
    },
}


@pytest.fixture(scope="module")
def machine(cloud: Cloud) -> Iterator[Json]:
    stack = cloud.created(RESOURCES, {"Id": ref("I")})
    (machine,) = [i for i in cloud.state()["instances"] if i["id"] == stack.outputs["Id"]]
    yield machine
    cloud.deleted(stack.name)


def token(cloud: Cloud, machine: Json) -> str:
    return cloud.request(
        "PUT",
        f"/_lab/metadata/{machine['id']}/latest/api/token",
        headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"},
    )


def ask(cloud: Cloud, machine: Json, path: str, given: str) -> str:
    return cloud.request(
        "GET",
        f"/_lab/metadata/{machine['id']}/latest/{path}",
        headers={"X-aws-ec2-metadata-token": given},
    )


def test_an_instance_learns_who_it_is(cloud: Cloud, machine: Json) -> None:
    given = token(cloud, machine)

    assert ask(cloud, machine, "meta-data/instance-id", given) == machine["id"]
    assert ask(cloud, machine, "meta-data/local-ipv4", given) == machine["address"]
    assert ask(cloud, machine, "meta-data/placement/region", given) == "us-east-1"
    assert ask(cloud, machine, "user-data", given) == "#!/bin/bash"
    document = json.loads(ask(cloud, machine, "dynamic/instance-identity/document", given))
    assert document["instanceId"] == machine["id"]
    assert "placement/" in ask(cloud, machine, "meta-data/", given).splitlines()


@pytest.mark.parametrize("given", ["", "made-up"])
def test_without_a_token_it_says_nothing(cloud: Cloud, machine: Json, given: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(cloud, machine, "meta-data/instance-id", given)


def test_what_it_does_not_have_is_not_found(cloud: Cloud, machine: Json) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask(cloud, machine, "meta-data/colour", token(cloud, machine))


def test_boto_finds_the_credentials_of_the_role(machine: Json) -> None:
    fetcher = InstanceMetadataFetcher(
        env={}, base_url=machine["environment"]["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
    )

    found = fetcher.retrieve_iam_role_credentials()

    assert found["access_key"].startswith("ASIA")
