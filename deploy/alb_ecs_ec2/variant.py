"""An Application Load Balancer and containers on EC2, as data."""

from pathlib import PurePosixPath

from deploy.foundation import of_foundation
from deploy.model import Artifact, Output, PlaceSetting, Published, Stack, Variant

ALB_ECS_EC2 = Variant(
    slug="alb_ecs_ec2",
    number=4,
    title="ALB + ECS on EC2",
    summary="A load balancer in front of containers, several on each of a few instances.",
    artifacts=(Artifact.IMAGE,),
    stacks=(
        Stack(
            "nineways-alb-ecs-ec2",
            PurePosixPath("alb_ecs_ec2/template.yaml"),
            {
                "VpcId": of_foundation("VpcId"),
                "VpcCidr": of_foundation("VpcCidr"),
                "SubnetIds": of_foundation("SubnetIds"),
                "QueueUrl": of_foundation("QueueUrl"),
                "QueueArn": of_foundation("QueueArn"),
                "RepositoryArn": of_foundation("RepositoryArn"),
                "ImageUri": Published(Artifact.IMAGE, "uri"),
                "Version": Published(Artifact.IMAGE, "digest"),
                "HttpPort": PlaceSetting("HttpPort"),
            },
        ),
    ),
    url=Output("nineways-alb-ecs-ec2", "Url"),
    scalability="high",
    burden="high",
    known_for="packs machines tightly",
    limits="two scalings, and a task waits when no instance has room",
)
