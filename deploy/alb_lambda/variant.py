"""An Application Load Balancer in front of a function and, for some paths, a container, as data."""

from pathlib import PurePosixPath

from deploy.foundation import of_foundation
from deploy.model import Artifact, Feature, Output, PlaceSetting, Published, Stack, Variant

ALB_LAMBDA = Variant(
    slug="alb_lambda",
    number=6,
    title="ALB + Lambda",
    summary="A load balancer in front of a function, and of a container for some paths.",
    artifacts=(Artifact.LAMBDA_ZIP, Artifact.IMAGE),
    stacks=(
        Stack(
            "nineways-alb-lambda",
            PurePosixPath("alb_lambda/template.yaml"),
            {
                "VpcId": of_foundation("VpcId"),
                "VpcCidr": of_foundation("VpcCidr"),
                "SubnetIds": of_foundation("SubnetIds"),
                "QueueUrl": of_foundation("QueueUrl"),
                "QueueArn": of_foundation("QueueArn"),
                "BucketName": of_foundation("BucketName"),
                "RepositoryArn": of_foundation("RepositoryArn"),
                "LambdaZipKey": Published(Artifact.LAMBDA_ZIP, "key"),
                "Version": Published(Artifact.LAMBDA_ZIP, "digest"),
                "LambdaRuntime": PlaceSetting("LambdaRuntime"),
                "LambdaArchitecture": PlaceSetting("LambdaArchitecture"),
                "ImageUri": Published(Artifact.IMAGE, "uri"),
                "ImageVersion": Published(Artifact.IMAGE, "digest"),
                "HttpPort": PlaceSetting("HttpPort"),
            },
        ),
    ),
    url=Output("nineways-alb-lambda", "Url"),
    scalability="very high",
    burden="low",
    known_for="serverless, cheaper than API Gateway",
    limits="1 MB each way; 1,000 requests at once by default; no keys, caches or quotas",
    features=frozenset({Feature.CONCURRENCY, Feature.HYBRID, Feature.PAYLOAD_1_MB, Feature.WAF}),
)
