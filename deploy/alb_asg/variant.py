"""An Application Load Balancer and an Auto Scaling group, as data."""

from pathlib import PurePosixPath

from deploy.foundation import of_foundation
from deploy.model import Artifact, Output, PlaceSetting, Published, Stack, Variant

ALB_ASG = Variant(
    slug="alb_asg",
    number=3,
    title="ALB + Auto Scaling group",
    summary="A load balancer in front of instances whose number follows the load.",
    artifacts=(Artifact.BUNDLE,),
    stacks=(
        Stack(
            "nineways-alb-asg",
            PurePosixPath("alb_asg/template.yaml"),
            {
                "VpcId": of_foundation("VpcId"),
                "VpcCidr": of_foundation("VpcCidr"),
                "SubnetIds": of_foundation("SubnetIds"),
                "QueueUrl": of_foundation("QueueUrl"),
                "QueueArn": of_foundation("QueueArn"),
                "BucketName": of_foundation("BucketName"),
                "BundleKey": Published(Artifact.BUNDLE, "key"),
                "Version": Published(Artifact.BUNDLE, "digest"),
                "HttpPort": PlaceSetting("HttpPort"),
            },
        ),
    ),
    url=Output("nineways-alb-asg", "Url"),
    scalability="high",
    burden="medium",
    known_for="standard, stable, scales at medium speed",
    limits="a new instance takes minutes to be of use",
)
