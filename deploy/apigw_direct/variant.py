"""API Gateway straight to SQS, SNS, Step Functions and S3, as data."""

from pathlib import PurePosixPath

from deploy.foundation import of_foundation
from deploy.model import Feature, Output, Stack, Variant

NO_CODE = "no code of ours runs"

APIGW_DIRECT = Variant(
    slug="apigw_direct",
    number=8,
    title="API Gateway, straight to services",
    summary="A REST API whose mapping templates talk to SQS, SNS, Step Functions and S3.",
    artifacts=(),
    stacks=(
        Stack(
            "nineways-apigw-direct",
            PurePosixPath("apigw_direct/template.yaml"),
            {
                "QueueUrl": of_foundation("QueueUrl"),
                "QueueArn": of_foundation("QueueArn"),
                "QueueName": of_foundation("QueueName"),
            },
            buckets=("ObjectsName",),
        ),
    ),
    url=Output("nineways-apigw-direct", "Url"),
    scalability="highest",
    burden="lowest",
    known_for="no compute at all: nothing to patch, nothing that starts cold",
    limits="what a mapping template can say; 10 MB a request; each service's own limits",
    features=frozenset(
        {
            Feature.EVENTS,
            Feature.EXECUTIONS,
            Feature.OBJECTS,
            Feature.MAPPING,
            Feature.PAYLOAD_10_MB,
        }
    ),
    not_promised={
        "identity": f"{NO_CODE}, so there is no copy that could name itself",
        "openapi": f"{NO_CODE} that could describe itself; loadtest/openapi.json has its routes",
        "docs": f"{NO_CODE} that could show a page",
        "work": f"{NO_CODE} that could use a CPU",
        "wait": f"{NO_CODE} that could wait",
        "bad_parameter": "/work, which it is tried on, needs compute",
    },
)
