"""Machine images: the disk of an instance, kept, for others to start with.

MiniStack would boot an image in a container. Here the fleet boots it, as a process that finds in
its folder what the image holds. The images of a lab are folders of it: <state>/images/<id>.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from deploy.lab.cloud.border import Internals, Json, Parameters, Response, records
from deploy.lab.cloud.lab import Lab

EC2 = Internals(
    "services.ec2", "_ACTION_MAP", "_error", "_instances", "_p", "_parse_member_list", "_xml"
)

# The whole disk of an instance, as far as it has one here.
DISK = "nineways"
# What is true of one run alone: on AWS a process does not survive on a disk either.
OF_A_RUN = ("run", "log", "service.env")


def folder_of(state: Path, image_id: str) -> Path:
    """Where the disk of an image is."""
    return state / "images" / image_id / DISK


class MachineImages:
    """CreateImage, DescribeImages and DeregisterImage of a lab's own images."""

    def __init__(self, lab: Lab) -> None:
        self._state = lab.directory
        actions = EC2.ACTION_MAP
        self._describe_stock = actions["DescribeImages"]
        self._deregister_stock = actions["DeregisterImage"]
        actions["CreateImage"] = self.create
        actions["DescribeImages"] = self.describe
        actions["DeregisterImage"] = self.deregister

    def create(self, parameters: Parameters) -> Response:
        """CreateImage: copy what is on an instance's disk, while it runs."""
        instance_id, name = EC2.p(parameters, "InstanceId"), EC2.p(parameters, "Name")
        disk = self._state / "machines" / str(instance_id) / DISK
        if instance_id not in records(EC2.instances) or not disk.is_dir():
            return _refused("InvalidInstanceID.NotFound", f"{instance_id} has no disk here")
        if any(image["name"] == name for image in self._all()):
            return _refused("InvalidAMIName.Duplicate", f"AMI name {name} is already in use")
        image_id = f"ami-{uuid.uuid4().hex[:17]}"
        # Links instead of copies: nothing that is installed is ever written to again.
        shutil.copytree(
            disk,
            folder_of(self._state, image_id),
            symlinks=True,
            copy_function=os.link,
            ignore=shutil.ignore_patterns(*OF_A_RUN),
        )
        record = {"id": image_id, "name": name, "tags": _tags(parameters)}
        (self._state / "images" / image_id / "image.json").write_text(json.dumps(record), "utf-8")
        answer: Response = EC2.xml(200, "CreateImageResponse", f"<imageId>{image_id}</imageId>")
        return answer

    def describe(self, parameters: Parameters) -> Response:
        """DescribeImages: these first, then what MiniStack knows."""
        status, headers, body = self._describe_stock(parameters)
        asked = set(EC2.parse_member_list(parameters, "ImageId"))
        own = [image for image in self._all() if not asked or image["id"] in asked]
        items = "".join(_item(image) for image in own)
        text = body.decode().replace("<imagesSet/>", "<imagesSet></imagesSet>")
        return status, headers, text.replace("<imagesSet>", f"<imagesSet>{items}", 1).encode()

    def deregister(self, parameters: Parameters) -> Response:
        """DeregisterImage; instances that were started from it keep what they have."""
        image_id = str(EC2.p(parameters, "ImageId"))
        if image_id not in {image["id"] for image in self._all()}:
            stock: Response = self._deregister_stock(parameters)
            return stock
        shutil.rmtree(folder_of(self._state, image_id).parent)
        answer: Response = EC2.xml(200, "DeregisterImageResponse", "<return>true</return>")
        return answer

    def _all(self) -> Iterator[Json]:
        for path in sorted((self._state / "images").glob("*/image.json")):
            yield json.loads(path.read_text(encoding="utf-8"))


def install(lab: Lab) -> None:
    """Hook into the EC2 API."""
    MachineImages(lab)


def _tags(parameters: Parameters) -> dict[str, str]:
    tags: dict[str, str] = {}
    base = "TagSpecification.1.Tag"
    while key := EC2.p(parameters, f"{base}.{len(tags) + 1}.Key"):
        tags[key] = EC2.p(parameters, f"{base}.{len(tags) + 1}.Value")
    return tags


def _item(image: Json) -> str:
    tags = "".join(
        f"<item><key>{escape(key)}</key><value>{escape(value)}</value></item>"
        for key, value in image["tags"].items()
    )
    return (
        f"<item><imageId>{image['id']}</imageId><name>{escape(image['name'])}</name>"
        f"<imageState>available</imageState><tagSet>{tags}</tagSet></item>"
    )


def _refused(code: str, message: str) -> Response:
    refusal: Response = EC2.error(code, message, 400)
    return refusal
