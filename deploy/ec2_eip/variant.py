"""EC2 and an Elastic IP, as data."""

from pathlib import PurePosixPath

from deploy.foundation import of_foundation
from deploy.model import Artifact, Output, PlaceSetting, Published, Stack, Variant

EC2_EIP = Variant(
    slug="ec2_eip",
    number=1,
    title="EC2 + Elastic IP",
    summary="Two instances, one of them active; an address that moves to the standby.",
    artifacts=(Artifact.BUNDLE,),
    stacks=(
        Stack(
            "nineways-ec2-eip",
            PurePosixPath("ec2_eip/template.yaml"),
            {
                "VpcId": of_foundation("VpcId"),
                "SubnetA": of_foundation("SubnetA"),
                "SubnetB": of_foundation("SubnetB"),
                "QueueUrl": of_foundation("QueueUrl"),
                "QueueArn": of_foundation("QueueArn"),
                "BucketName": of_foundation("BucketName"),
                "BundleKey": Published(Artifact.BUNDLE, "key"),
                "Version": Published(Artifact.BUNDLE, "digest"),
                "HttpPort": PlaceSetting("HttpPort"),
            },
        ),
    ),
    url=Output("nineways-ec2-eip", "Url"),
    scalability="low",
    burden="medium",
    known_for="cheap, fixed address",
    limits="one instance at a time takes traffic",
)
