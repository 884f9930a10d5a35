import re
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from deploy.account import AccountPlace
from deploy.bake import bake, unbake
from deploy.catalog import find
from deploy.errors import BadInputError

SNAPSHOT = {"Ebs": {"SnapshotId": "snap-1"}}


@dataclass
class ImagesInMemory:
    """EC2 with an instance, which images are made of."""

    running: list[str] = field(default_factory=lambda: ["i-1"])
    images: dict[str, Any] = field(default_factory=dict)
    snapshots: set[str] = field(default_factory=lambda: {"snap-1"})

    def describe_instances(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  boto3's
        assert {"Name": "tag:variant", "Values": ["alb_asg"]} in asked["Filters"]
        return {"Reservations": [{"Instances": [{"InstanceId": one}]} for one in self.running]}

    def create_image(self, **asked: Any) -> dict[str, str]:  # noqa: ANN401  boto3's
        self.images["ami-1"] = asked
        return {"ImageId": "ami-1"}

    def get_waiter(self, name: str) -> "ImagesInMemory":
        assert name == "image_available"
        return self

    def wait(self, *, ImageIds: list[str]) -> None:  # noqa: N803  boto3's
        assert set(ImageIds) <= self.images.keys()

    def describe_images(self, **_: object) -> dict[str, Any]:
        return {"Images": [{"BlockDeviceMappings": [SNAPSHOT]}]}

    def deregister_image(self, *, ImageId: str) -> None:  # noqa: N803  boto3's
        del self.images[ImageId]

    def delete_snapshot(self, *, SnapshotId: str) -> None:  # noqa: N803  boto3's
        # AWS refuses it as long as an image is made of it.
        assert not self.images
        self.snapshots.remove(SnapshotId)


def with_ec2(place: AccountPlace, ec2: ImagesInMemory) -> AccountPlace:
    return replace(place, ec2=cast("Any", ec2))


def test_an_image_is_made_of_an_instance_that_goes_on_and_is_ours_by_its_tags(
    place: AccountPlace,
) -> None:
    ec2 = ImagesInMemory()

    assert bake(with_ec2(place, ec2), find("alb-asg")) == "ami-1"

    made = ec2.images["ami-1"]
    assert (made["InstanceId"], made["NoReboot"]) == ("i-1", True)
    assert {one["ResourceType"] for one in made["TagSpecifications"]} == {"image", "snapshot"}
    assert {"Key": "project", "Value": "nineways"} in made["TagSpecifications"][0]["Tags"]
    assert re.fullmatch(r"[\w.()/-]{3,128}", made["Name"])


def test_without_an_instance_there_is_nothing_to_make_one_of(place: AccountPlace) -> None:
    with pytest.raises(BadInputError, match="no instance of alb-asg runs"):
        bake(with_ec2(place, ImagesInMemory(running=[])), find("alb-asg"))


def test_a_variant_that_starts_from_no_image_gets_none(place: AccountPlace) -> None:
    with pytest.raises(BadInputError, match="ec2-eip cannot start from an image"):
        bake(with_ec2(place, ImagesInMemory()), find("ec2-eip"))


def test_an_image_goes_with_what_it_is_stored_in(place: AccountPlace) -> None:
    ec2 = ImagesInMemory()
    bake(with_ec2(place, ec2), find("alb-asg"))

    unbake(with_ec2(place, ec2), "ami-1")

    assert ec2.images == {}
    assert ec2.snapshots == set()
