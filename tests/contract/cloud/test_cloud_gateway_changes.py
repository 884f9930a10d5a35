"""APIs in templates: each part changes, goes, or is refused."""

import pytest

from tests.contract.cloud.conftest import Cloud, Json, ref
from tests.contract.cloud.rest_api import (
    AUTHORIZER,
    ECHO,
    api,
    authorizer,
    function,
    method,
    proxy,
    standing,
)

pytestmark = pytest.mark.lab


def everything(*, version: int) -> Json:
    """An API with one of each, in its first or second form."""
    second = version > 1
    resources = api(
        function(ECHO),
        function(AUTHORIZER, name="Auth"),
        authorizer("Guard", "REQUEST", 0, IdentitySource=identity_source(second=second)),
        {
            "Validator": {
                "Type": "AWS::ApiGateway::RequestValidator",
                "Properties": {"RestApiId": ref("Api"), "ValidateRequestBody": second},
            },
            "Model": {
                "Type": "AWS::ApiGateway::Model",
                "Properties": {
                    "RestApiId": ref("Api"),
                    "ContentType": "application/json",
                    "Schema": {"type": "array" if second else "object"},
                },
            },
            "Words": {
                "Type": "AWS::ApiGateway::GatewayResponse",
                "Properties": {
                    "RestApiId": ref("Api"),
                    "ResponseType": "UNAUTHORIZED",
                    "StatusCode": "418" if second else "401",
                },
            },
        },
        method(
            "/",
            proxy(),
            verb="POST",
            AuthorizationType="CUSTOM",
            AuthorizerId=ref("Guard"),
            ApiKeyRequired=not second,
            RequestValidatorId=ref("Validator"),
            RequestModels={"application/json": ref("Model")},
        ),
        stage={
            "MethodSettings": [
                {
                    "ResourcePath": "/",
                    "HttpMethod": "POST",
                    "ThrottlingRateLimit": 100 if second else 0,
                    "ThrottlingBurstLimit": 100 if second else 0,
                }
            ]
        },
        deployment=f"Deployment{version}",
    )
    resources["Key"] = {
        "Type": "AWS::ApiGateway::ApiKey",
        "Properties": {"Name": "changing", "Enabled": second},
    }
    resources["Plan"] = {
        "Type": "AWS::ApiGateway::UsagePlan",
        "DependsOn": "Stage",
        "Properties": {
            "ApiStages": [{"ApiId": ref("Api"), "Stage": "live"}],
            "Quota": {"Limit": 2 if second else 1, "Period": "DAY"},
        },
    }
    resources["Member"] = {
        "Type": "AWS::ApiGateway::UsagePlanKey",
        "Properties": {"KeyId": ref("Key"), "KeyType": "API_KEY", "UsagePlanId": ref("Plan")},
    }
    return resources


def identity_source(*, second: bool) -> str:
    return "method.request.header.X-Who" if second else "method.request.header.Authorization"


def test_every_part_of_an_api_changes_with_its_template_and_goes_with_its_stack(
    cloud: Cloud,
) -> None:
    outputs = {"Key": ref("Key"), "Plan": ref("Plan")}
    first = standing(cloud, everything(version=1), outputs)

    def statuses() -> list[int]:
        return [
            first.ask("/", verb="POST", body=b"{}").status,
            first.ask("/", verb="POST", body=b"{}", Authorization="allow").status,
            first.ask("/", verb="POST", body=b"{}", Authorization="allow", X_Who="me").status,
            first.ask("/", verb="POST", body=b"[]", Authorization="allow", X_Who="me").status,
        ]

    before = statuses()
    cloud.updated(first.stack.name, everything(version=2), {"Id": ref("Api"), **outputs})
    after = statuses()
    client = cloud.client("apigateway")
    key = client.get_api_key(apiKey=first.stack.outputs["Key"])
    plan = client.get_usage_plan(usagePlanId=first.stack.outputs["Plan"])
    deleted = cloud.deleted(first.stack.name)

    assert before == [401, 403, 403, 403], "no identity, then no key"
    assert after == [418, 418, 400, 200]
    assert (key["enabled"], plan["quota"]["limit"]) == (True, 2)
    assert deleted == "DELETE_COMPLETE"
    assert first.id not in {item["id"] for item in client.get_rest_apis()["items"]}
    assert first.stack.outputs["Key"] not in {item["id"] for item in client.get_api_keys()["items"]}
    plans = {item["id"] for item in client.get_usage_plans()["items"]}
    assert first.stack.outputs["Plan"] not in plans


# ---- What the lab refuses ----


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"AuthorizationType": "AWS_IAM"}, "AuthorizationType AWS_IAM"),
        ({"AuthorizationType": "CUSTOM"}, "Invalid authorizer ID"),
        ({"AuthorizationScopes": ["a"]}, "unsupported property AuthorizationScopes"),
        (
            {"Integration": {"Type": "HTTP_PROXY", "TimeoutInMillis": 30000}},
            "between 50 ms and 29000 ms",
        ),
        (
            {"Integration": {"Type": "HTTP_PROXY", "ConnectionType": "VPC_LINK"}},
            "ConnectionId is required",
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(cloud: Cloud, change: Json, reason: str) -> None:
    resources = api(method("/", {"Type": "HTTP_PROXY", "Uri": "http://127.0.0.1"}))
    resources["MGET"]["Properties"] |= change

    stack = cloud.finished(cloud.create(resources))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert reason in str(cloud.reasons(stack.name))
