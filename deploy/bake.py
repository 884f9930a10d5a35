"""Make a machine image of an instance that serves, so that others need not install anything."""

from typing import TYPE_CHECKING

from deploy.account import AccountPlace
from deploy.errors import BadInputError
from deploy.model import Variant
from deploy.templates import parameters

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import TagTypeDef

# What a template calls its choice to start from such an image.
CHOICE = "Baked"


def bake(place: AccountPlace, variant: Variant) -> str:
    """Create an image of one of the variant's instances, without stopping it; give its id.

    Raises:
        BadInputError: its template starts from no image, or no instance of it runs.
    """
    if not any(CHOICE in parameters(stack) for stack in variant.stacks):
        raise BadInputError(
            f"{variant.name} cannot start from an image of its own", remedy="alb-asg can"
        )
    running = place.ec2.describe_instances(
        Filters=[
            {"Name": "tag:variant", "Values": [variant.slug]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
    )
    ids = [one["InstanceId"] for all_ in running["Reservations"] for one in all_["Instances"]]
    if not ids:
        raise BadInputError(
            f"no instance of {variant.name} runs",
            remedy=f"`nineways up {variant.name}` starts some",
        )
    tags: list[TagTypeDef] = [
        {"Key": "project", "Value": "nineways"},
        {"Key": "variant", "Value": variant.slug},
    ]
    image_id = place.ec2.create_image(
        InstanceId=ids[0],
        Name=f"nineways-{variant.name}-{ids[0]}-{place.run}",
        NoReboot=True,
        TagSpecifications=[
            {"ResourceType": "image", "Tags": tags},
            {"ResourceType": "snapshot", "Tags": tags},
        ],
    )["ImageId"]
    place.tell(f"{image_id} is made of {ids[0]}")
    place.ec2.get_waiter("image_available").wait(ImageIds=[image_id])
    return image_id


def unbake(place: AccountPlace, image_id: str) -> None:
    """Delete an image and the snapshots that it is stored in."""
    found = place.ec2.describe_images(ImageIds=[image_id])["Images"]
    place.ec2.deregister_image(ImageId=image_id)
    for image in found:
        for mapping in image.get("BlockDeviceMappings", []):
            if snapshot := mapping.get("Ebs", {}).get("SnapshotId"):
                place.ec2.delete_snapshot(SnapshotId=snapshot)
