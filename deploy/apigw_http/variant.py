"""API Gateway in front of the server of chapter 5, as data."""

from dataclasses import replace
from pathlib import PurePosixPath

from deploy.alb_ecs_fargate.variant import ALB_ECS_FARGATE
from deploy.foundation import of_foundation
from deploy.model import Artifact, Feature, Output, PlaceSetting, Published, Stack, Variant

# The same template as chapter 5, closed to the world: only what is in the network gets in.
SERVER = replace(
    ALB_ECS_FARGATE.stacks[-1],
    name="nineways-apigw-http-server",
    parameters={
        **ALB_ECS_FARGATE.stacks[-1].parameters,
        "AllowedCidr": of_foundation("VpcCidr"),
        "Scheme": "internal",
        "StagePrefix": "/live",
    },
)

APIGW_HTTP = Variant(
    slug="apigw_http",
    number=9,
    title="API Gateway + HTTP backend",
    summary="A REST API in front of servers that speak HTTP: containers in the network, or a "
    "machine anywhere.",
    artifacts=(Artifact.IMAGE, Artifact.LAMBDA_ZIP),
    stacks=(
        SERVER,
        Stack(
            "nineways-apigw-http",
            PurePosixPath("apigw_http/template.yaml"),
            {
                "VpcId": of_foundation("VpcId"),
                "VpcCidr": of_foundation("VpcCidr"),
                "SubnetIds": of_foundation("SubnetIds"),
                "LoadBalancerArn": Output(SERVER.name, "LoadBalancerArn"),
                "BackendUrl": Output(SERVER.name, "Url"),
                "HttpPort": PlaceSetting("HttpPort"),
                "BucketName": of_foundation("BucketName"),
                "LambdaZipKey": Published(Artifact.LAMBDA_ZIP, "key"),
                "LambdaRuntime": PlaceSetting("LambdaRuntime"),
                "LambdaArchitecture": PlaceSetting("LambdaArchitecture"),
            },
        ),
    ),
    url=Output("nineways-apigw-http", "Url"),
    scalability="as the server behind",
    burden="that of the server, and a front",
    known_for="strong API management for servers that are already there",
    limits="29 s a request by default; each request passes, and is billed by, two fronts",
    features=frozenset(
        {
            Feature.API_KEY,
            Feature.AUTHORIZER,
            Feature.CACHE,
            Feature.METHOD_THROTTLE,
            Feature.PAYLOAD_10_MB,
            Feature.TIMEOUT_29_S,
            Feature.VALIDATION,
        }
    ),
    served_by=ALB_ECS_FARGATE.slug,
)
