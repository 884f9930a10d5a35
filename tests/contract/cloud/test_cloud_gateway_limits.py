"""What a stage, an API key and its plan let through."""

from uuid import uuid4

import pytest

from tests.contract.cloud.conftest import Cloud, ref
from tests.contract.cloud.rest_api import (
    COUNTING,
    ECHO,
    Api,
    api,
    function,
    method,
    proxy,
    standing,
)

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def throttled(cloud: Cloud) -> Api:
    settings = [
        {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": "1000"},
        {
            "ResourcePath": "/slow",
            "HttpMethod": "GET",
            # As slow as a bucket can be, so that no test depends on the time.
            "ThrottlingRateLimit": "0.001",
            "ThrottlingBurstLimit": "2",
        },
        {
            "ResourcePath": "/~1closed",
            "HttpMethod": "GET",
            "ThrottlingRateLimit": 0,
            "ThrottlingBurstLimit": 0,
        },
    ]
    paths = [method(path, proxy()) for path in ("/slow", "/closed", "/open")]
    return standing(cloud, api(function(COUNTING), *paths, stage={"MethodSettings": settings}))


def test_a_method_serves_its_burst_and_then_its_rate(throttled: Api) -> None:
    statuses = [throttled.ask("/slow").status for _ in range(4)]
    refused = throttled.ask("/slow")

    assert statuses == [200, 200, 429, 429]
    assert refused.json == {"message": "Too Many Requests"}
    assert refused.headers["x-amzn-ErrorType"] == "TooManyRequestsException"
    assert throttled.ask("/closed").status == 429
    assert throttled.ask("/open").status == 200, "each method has a bucket of its own"


def test_settings_of_a_stage_take_effect_without_a_deployment(cloud: Cloud) -> None:
    fixed = standing(cloud, api(function(COUNTING), method("/", proxy())))

    before = fixed.ask("/").status
    cloud.client("apigateway").update_stage(
        restApiId=fixed.id,
        stageName="live",
        patchOperations=[
            {"op": "replace", "path": f"/*/*/throttling/{limit}", "value": "0"}
            for limit in ("rateLimit", "burstLimit")
        ],
    )

    assert (before, fixed.ask("/").status) == (200, 429)


# ---- Keys ----


@pytest.fixture(scope="module")
def keyed(cloud: Cloud) -> Api:
    key = {"Type": "AWS::ApiGateway::ApiKey", "DependsOn": "Stage"}
    resources = api(function(ECHO), method("/keyed", proxy(), ApiKeyRequired="true"))
    resources |= {
        name: {**key, "Properties": {"Name": f"{name}-{uuid4()}", "Enabled": enabled}}
        for name, enabled in (("Good", "true"), ("Other", True), ("Off", False), ("Free", True))
    }
    resources["Plan"] = {
        "Type": "AWS::ApiGateway::UsagePlan",
        "DependsOn": "Stage",
        "Properties": {
            "ApiStages": [{"ApiId": ref("Api"), "Stage": "live"}],
            "Throttle": {"RateLimit": "0.001", "BurstLimit": "5"},
            "Quota": {"Limit": "3", "Period": "MONTH"},
        },
    }
    for name in ("Good", "Other", "Off"):
        resources[f"{name}Member"] = {
            "Type": "AWS::ApiGateway::UsagePlanKey",
            "Properties": {"KeyId": ref(name), "KeyType": "API_KEY", "UsagePlanId": ref("Plan")},
        }
    outputs = {name: ref(name) for name in ("Good", "Other", "Off", "Free")}
    return standing(cloud, resources, outputs)


def value_of(keyed: Api, name: str) -> str:
    client = keyed.cloud.client("apigateway")
    return client.get_api_key(apiKey=keyed.stack.outputs[name], includeValue=True)["value"]


def test_without_a_good_key_of_the_plan_it_is_403(keyed: Api) -> None:
    answers = [
        keyed.ask("/keyed"),
        keyed.ask("/keyed", x_api_key="no-such-key-of-anybodys"),
        keyed.ask("/keyed", x_api_key=value_of(keyed, "Off")),
        keyed.ask("/keyed", x_api_key=value_of(keyed, "Free")),
    ]

    assert [(a.status, a.json) for a in answers] == [(403, {"message": "Forbidden"})] * 4


def test_each_key_has_its_quota_and_its_rate(keyed: Api) -> None:
    key = value_of(keyed, "Good")

    answers = [keyed.ask("/keyed", x_api_key=key) for _ in range(6)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429, 429]
    assert answers[3].json == {"message": "Limit Exceeded"}, "the quota"
    assert answers[5].json == {"message": "Too Many Requests"}, "the rate"
    assert answers[0].json["requestContext"]["identity"]["apiKey"] == key
    assert keyed.ask("/keyed", x_api_key=value_of(keyed, "Other")).status == 200


def test_a_plan_needs_a_stage_that_stands(cloud: Cloud) -> None:
    resources = api(function(ECHO), method("/", proxy()))
    resources["Plan"] = {
        "Type": "AWS::ApiGateway::UsagePlan",
        "Properties": {"ApiStages": [{"ApiId": ref("Api"), "Stage": "dead"}]},
    }

    stack = cloud.finished(cloud.create(resources))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert "API Stage not found" in str(cloud.reasons(stack.name))
