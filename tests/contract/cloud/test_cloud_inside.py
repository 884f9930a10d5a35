"""The account's view of a variant, which the probes look into, asked of the lab's control plane."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from boto3.session import Session

from deploy.catalog import VARIANTS
from deploy.clients import Clients
from deploy.model import Feature, Output
from deploy.secrets import Secret
from loadtest.inside_account import AccountInside
from tests.contract.cloud.conftest import Cloud, Json, Stack, att, ref

if TYPE_CHECKING:
    from deploy.account import AccountPlace

pytestmark = pytest.mark.lab

GUARDED = replace(VARIANTS[0], features=frozenset({Feature.API_KEY, Feature.AUTHORIZER}))
CACHED = "/~1cached~1whoami"


def method(resource: Json) -> Json:
    return {
        "Type": "AWS::ApiGateway::Method",
        "Properties": {
            "RestApiId": ref("Api"),
            "ResourceId": resource,
            "HttpMethod": "GET",
            "AuthorizationType": "NONE",
            "Integration": {"Type": "MOCK"},
        },
    }


def of_gateway(*, cached: bool) -> Json:
    settings = {"ResourcePath": CACHED, "HttpMethod": "GET", "CachingEnabled": cached}
    return {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "api"}},
        "Get": method(att("Api", "RootResourceId")),
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": "Get",
            "Properties": {"RestApiId": ref("Api")},
        },
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": ref("Api"),
                "DeploymentId": ref("Deployment"),
                "StageName": "live",
                "CacheClusterEnabled": cached,
                "CacheClusterSize": "0.5",
                "MethodSettings": [{**settings, "CacheTtlInSeconds": 60}],
            },
        },
        "Key": {"Type": "AWS::ApiGateway::ApiKey", "Properties": {"Enabled": True}},
        "Plan": {
            "Type": "AWS::ApiGateway::UsagePlan",
            "Properties": {
                "ApiStages": [{"ApiId": ref("Api"), "Stage": ref("Stage")}],
                "Quota": {"Limit": 500, "Period": "DAY"},
            },
        },
        "Token": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"GenerateSecretString": {"PasswordLength": 40}},
        },
    }


OUTPUTS = {
    "Url": "https://api.execute-api.us-east-1.amazonaws.com/live",
    "ApiId": ref("Api"),
    "ApiKeyId": ref("Key"),
    "TokenSecretArn": att("Token", "Id"),
}


@dataclass(frozen=True)
class Place:
    """As much of a place as is asked."""

    cloud: Cloud
    stack: Stack

    @property
    def clients(self) -> Clients:
        session = Session("test", "test", region_name="us-east-1")
        return Clients(session, self.cloud.url)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a client by its name
        return getattr(self.clients, name)

    def output(self, output: Output) -> str:
        return self.stack.outputs[output.key]


def inside(cloud: Cloud, stack: Stack) -> AccountInside:
    return AccountInside(GUARDED, cast("AccountPlace", Place(cloud, stack)))


@pytest.fixture(scope="module")
def gateway(cloud: Cloud) -> Iterator[AccountInside]:
    stack = cloud.created(of_gateway(cached=True), OUTPUTS)
    yield inside(cloud, stack)
    cloud.deleted(stack.name)


def test_what_opens_a_door_is_read_by_what_the_stack_names(gateway: AccountInside) -> None:
    assert len(gateway.secret(Secret.TOKEN)) == 40
    # API Gateway makes up keys of 20 characters at least.
    assert len(gateway.secret(Secret.API_KEY)) >= 20


def test_the_quota_of_the_api_s_own_plan_is_changed_and_set_back(
    cloud: Cloud, gateway: AccountInside
) -> None:
    other = cloud.created(of_gateway(cached=False), OUTPUTS)

    assert gateway.quota() == 500
    gateway.set_quota(1)

    assert gateway.quota() == 1
    assert inside(cloud, other).quota() == 500
    gateway.set_quota(500)
    assert gateway.quota() == 500
    cloud.deleted(other.name)


def test_a_cache_has_a_time_and_one_that_is_switched_off_has_none(
    cloud: Cloud, gateway: AccountInside
) -> None:
    without = cloud.created(of_gateway(cached=False), OUTPUTS)

    assert gateway.cache_ttl_s() == 60
    assert inside(cloud, without).cache_ttl_s() is None
    cloud.deleted(without.name)


ROLE: Json = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
}
SERVICES: Json = {
    "Role": ROLE,
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {}},
    "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}},
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": att("Role", "Arn"),
            "Code": {"ZipFile": "def handler(event, context): return {}"},
        },
    },
    "Machine": {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": att("Role", "Arn"),
            "DefinitionString": '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}',
        },
    },
}


@pytest.fixture(scope="module")
def services(cloud: Cloud) -> Iterator[AccountInside]:
    outputs = {
        "EventQueueUrl": ref("Queue"),
        "ObjectsName": ref("Bucket"),
        "FunctionName": ref("Function"),
        "StateMachineArn": ref("Machine"),
    }
    stack = cloud.created(SERVICES, outputs)
    yield inside(cloud, stack)
    cloud.deleted(stack.name)


def test_what_an_execution_was_started_with_is_known_by_its_name(
    cloud: Cloud, services: AccountInside
) -> None:
    machine = services.place.output(Output("", "StateMachineArn"))
    client = cloud.client("stepfunctions")
    client.start_execution(stateMachineArn=machine, name="first", input='{"a": 1}')

    assert services.execution_input("first") == '{"a": 1}'
    assert services.execution_input("second") is None


def test_an_object_is_seen_and_removed(cloud: Cloud, services: AccountInside) -> None:
    bucket = services.place.output(Output("", "ObjectsName"))
    cloud.client("s3").put_object(Bucket=bucket, Key="k", Body=b"\x00\xff")

    assert services.stored("k") == b"\x00\xff"
    services.remove("k")
    assert services.stored("k") is None
    services.remove("k")


def test_what_reaches_the_queue_of_events_is_taken(cloud: Cloud, services: AccountInside) -> None:
    queue = services.place.output(Output("", "EventQueueUrl"))
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody="ours")

    (found,) = services.events().take(lambda m: m.body == "ours", enough=1, timeout_s=5)

    assert found.body == "ours"


def test_a_reservation_is_made_and_taken_back(services: AccountInside) -> None:
    assert services.reserved() is None
    services.reserve(1)

    assert services.reserved() == 1
    services.reserve(None)
    assert services.reserved() is None
