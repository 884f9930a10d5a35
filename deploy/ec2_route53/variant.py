"""EC2 and Route 53, as data."""

from pathlib import PurePosixPath

from deploy.foundation import of_foundation
from deploy.model import Artifact, Output, PlaceSetting, Published, Stack, Variant

EC2_ROUTE53 = Variant(
    slug="ec2_route53",
    number=2,
    title="EC2 + Route 53",
    summary="Instances that share one name; DNS gives out the addresses of those that are healthy.",
    artifacts=(Artifact.BUNDLE,),
    stacks=(
        Stack(
            "nineways-ec2-route53",
            PurePosixPath("ec2_route53/template.yaml"),
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
    url=Output("nineways-ec2-route53", "Url"),
    scalability="medium",
    burden="medium",
    known_for="several instances without a load balancer",
    limits="clients cache addresses, so a removed instance is still called",
)
