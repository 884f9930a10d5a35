"""API Gateway and Lambda, as data."""

from pathlib import PurePosixPath

from deploy.foundation import of_foundation
from deploy.model import Artifact, Feature, Output, PlaceSetting, Published, Stack, Variant

APIGW_LAMBDA = Variant(
    slug="apigw_lambda",
    number=7,
    title="API Gateway + Lambda",
    summary="A REST API that hands each request to a function; nothing runs while nobody calls.",
    artifacts=(Artifact.LAMBDA_ZIP,),
    stacks=(
        Stack(
            "nineways-apigw-lambda",
            PurePosixPath("apigw_lambda/template.yaml"),
            {
                "QueueUrl": of_foundation("QueueUrl"),
                "QueueArn": of_foundation("QueueArn"),
                "BucketName": of_foundation("BucketName"),
                "LambdaZipKey": Published(Artifact.LAMBDA_ZIP, "key"),
                "Version": Published(Artifact.LAMBDA_ZIP, "digest"),
                "LambdaRuntime": PlaceSetting("LambdaRuntime"),
                "LambdaArchitecture": PlaceSetting("LambdaArchitecture"),
            },
        ),
    ),
    url=Output("nineways-apigw-lambda", "Url"),
    scalability="highest",
    burden="lowest",
    known_for="fully serverless, strong API management",
    limits="cold starts; by default 29 s a request and 1,000 requests at once",
    features=frozenset(
        {
            Feature.API_KEY,
            Feature.AUTHORIZER,
            Feature.CACHE,
            Feature.CONCURRENCY,
            Feature.METHOD_THROTTLE,
            Feature.PAYLOAD_10_MB,
            Feature.TIMEOUT_29_S,
            Feature.VALIDATION,
        }
    ),
)
