"""Machine images: what is on the disk of an instance, and how it is told and forgotten."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from deploy.lab.cloud.machine_images import folder_of
from tests.contract.cloud.conftest import Cloud

pytestmark = pytest.mark.lab


@pytest.fixture
def instance_id(cloud: Cloud) -> Iterator[str]:
    """An instance with the service on its disk."""
    ec2 = cloud.client("ec2")
    (made,) = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)["Instances"]
    disk = cloud.directory / "machines" / made["InstanceId"] / "nineways"
    (disk / "releases" / "1").mkdir(parents=True)
    (disk / "releases" / "1" / "service").write_text("installed")
    (disk / "current").symlink_to("releases/1")
    (disk / "run").mkdir()
    (disk / "run" / "web.pid").write_text("1")
    yield made["InstanceId"]
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])


def test_an_image_holds_what_is_installed_and_nothing_of_the_run(
    cloud: Cloud, instance_id: str
) -> None:
    ec2 = cloud.client("ec2")

    image_id = ec2.create_image(
        InstanceId=instance_id,
        Name="one",
        TagSpecifications=[{"ResourceType": "image", "Tags": [{"Key": "a", "Value": "b"}]}],
    )["ImageId"]

    disk = folder_of(cloud.directory, image_id)
    assert (disk / "current" / "service").read_text() == "installed"
    assert not (disk / "run").exists()
    (image,) = ec2.describe_images(ImageIds=[image_id])["Images"]
    assert (image["State"], image["Name"]) == ("available", "one")
    assert image["Tags"] == [{"Key": "a", "Value": "b"}]
    ec2.deregister_image(ImageId=image_id)
    assert not disk.exists()
    assert ec2.describe_images(ImageIds=[image_id])["Images"] == []


def test_an_image_of_nothing_and_a_second_one_of_a_name_are_refused(
    cloud: Cloud, instance_id: str
) -> None:
    ec2 = cloud.client("ec2")
    image_id = ec2.create_image(InstanceId=instance_id, Name="two")["ImageId"]

    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        ec2.create_image(InstanceId="i-none", Name="three")
    with pytest.raises(ClientError, match=r"InvalidAMIName\.Duplicate"):
        ec2.create_image(InstanceId=instance_id, Name="two")

    ec2.deregister_image(ImageId=image_id)


def test_images_that_the_lab_did_not_make_are_described_as_before(cloud: Cloud) -> None:
    assert cloud.client("ec2").describe_images()["Images"]
