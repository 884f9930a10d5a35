"""An Application Load Balancer and containers on Fargate, as data."""

from pathlib import PurePosixPath

from deploy.foundation import of_foundation
from deploy.model import Artifact, Output, PlaceSetting, Published, Stack, Variant

ALB_ECS_FARGATE = Variant(
    slug="alb_ecs_fargate",
    number=5,
    title="ALB + ECS on Fargate",
    summary="A load balancer in front of containers, and no machine to look after.",
    artifacts=(Artifact.IMAGE,),
    stacks=(
        Stack(
            "nineways-alb-ecs-fargate",
            PurePosixPath("alb_ecs_fargate/template.yaml"),
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
    url=Output("nineways-alb-ecs-fargate", "Url"),
    scalability="very high",
    burden="low",
    known_for="serverless containers, fast",
    limits="a load balancer is billed also while nobody calls",
)
