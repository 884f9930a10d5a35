"""What a REST API adds to what stands behind it: keys, limits, authorizers, validation, cache."""

import json
from uuid import uuid4

import pytest

from tests.contract.cloud.conftest import Cloud, Json, ref, until
from tests.contract.cloud.rest_api import (
    ECHO,
    Api,
    api,
    function,
    invocation,
    method,
    proxy,
    standing,
    sub,
)

pytestmark = pytest.mark.lab

COUNTING = """
import json, uuid

def handler(event, context):
    return {"body": json.dumps({"id": str(uuid.uuid4())})}
"""

AUTHORIZER = """
calls = 0

def handler(event, context):
    global calls
    calls += 1
    token = event.get("authorizationToken") or event["headers"].get("Authorization")
    if token == "raise":
        raise Exception("Unauthorized")
    if token == "break":
        raise ValueError("broken")
    if token == "nonsense":
        return {"policyDocument": "none"}
    effect, _, resource = token.partition(" ")
    base = event["methodArn"].partition("/live/")[0]
    return {
        "principalId": "me",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": effect.capitalize(),
                "Action": "execute-api:Invoke",
                "Resource": base + "/live/" + (resource or "*"),
            }],
        },
        "context": {"calls": calls, "good": True},
    }
"""


# ---- Throttling ----


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


# ---- Authorizers ----


def authorizer(name: str, kind: str, ttl_s: int, **properties: object) -> Json:
    return {
        name: {
            "Type": "AWS::ApiGateway::Authorizer",
            "Properties": {
                "RestApiId": ref("Api"),
                "Name": name,
                "Type": kind,
                "AuthorizerUri": invocation("Auth"),
                "AuthorizerResultTtlInSeconds": ttl_s,
                "IdentitySource": "method.request.header.Authorization",
                **properties,
            },
        }
    }


@pytest.fixture(scope="module")
def authorized(cloud: Cloud) -> Api:
    def guarded(path: str, by: str) -> Json:
        return method(path, proxy(), AuthorizationType="CUSTOM", AuthorizerId=ref(by))

    return standing(
        cloud,
        api(
            function(ECHO),
            function(AUTHORIZER, name="Auth"),
            authorizer("Token", "TOKEN", 0, IdentityValidationExpression="[a-z]+( .*)?"),
            authorizer("Request", "REQUEST", "0"),  # type: ignore[arg-type]
            authorizer("Cached", "REQUEST", 300),
            guarded("/token", "Token"),
            guarded("/request", "Request"),
            guarded("/cached", "Cached"),
            guarded("/cachedtoo", "Cached"),
        ),
    )


@pytest.mark.parametrize("path", ["/token", "/request"])
def test_an_authorizers_word_decides(authorized: Api, path: str) -> None:
    allowed = authorized.ask(path, Authorization="allow")
    denied = authorized.ask(path, Authorization="deny")
    elsewhere = authorized.ask(path, Authorization="allow GET/other")

    assert allowed.status == 200
    known = allowed.json["requestContext"]["authorizer"]
    assert (known["principalId"], known["good"]) == ("me", "true")
    assert denied.status == 403
    message = "User is not authorized to access this resource"
    assert denied.json == {"Message": f"{message} with an explicit deny"}
    assert (elsewhere.status, elsewhere.json) == (403, {"Message": message})


@pytest.mark.parametrize("path", ["/token", "/request", "/cached"])
def test_without_an_identity_it_is_401_and_nobody_is_asked(authorized: Api, path: str) -> None:
    answer = authorized.ask(path)

    assert (answer.status, answer.json) == (401, {"message": "Unauthorized"})


def test_a_token_of_another_form_is_401(authorized: Api) -> None:
    assert authorized.ask("/token", Authorization="ALLOW").status == 401


@pytest.mark.parametrize(
    ("token", "status", "body"),
    [
        ("raise", 401, {"message": "Unauthorized"}),
        ("break", 500, {"message": None}),
        ("nonsense", 500, {"message": "Internal server error"}),
    ],
)
def test_a_broken_authorizer_lets_nobody_in(
    authorized: Api, token: str, status: int, body: Json
) -> None:
    answer = authorized.ask("/request", Authorization=token)

    assert (answer.status, answer.json) == (status, body)


def test_a_result_is_remembered_and_held_against_each_method(authorized: Api) -> None:
    def calls(path: str) -> str:
        answer = authorized.ask(path, Authorization="allow GET/cached*")
        return str(answer.json["requestContext"]["authorizer"]["calls"])

    first = calls("/cached")

    assert calls("/cached") == first
    assert calls("/cachedtoo") == first, "one result for all methods of the stage"
    assert authorized.ask("/cached", Authorization="allow GET/cached").status == 200
    assert authorized.ask("/cachedtoo", Authorization="allow GET/cached").status == 403


# ---- Validation ----

SCHEMA: Json = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["body"],
    "additionalProperties": False,
    "properties": {
        "body": {"type": "string", "minLength": 1},
        "inner": {
            "$ref": sub("https://apigateway.amazonaws.com/restapis/${Api}/models/Inner"),
        },
    },
}


@pytest.fixture(scope="module")
def validated(cloud: Cloud) -> Api:
    def model(name: str, schema: Json) -> Json:
        properties = {"RestApiId": ref("Api"), "Name": name, "Schema": schema}
        return {
            f"{name}Model": {
                "Type": "AWS::ApiGateway::Model",
                "Properties": {**properties, "ContentType": "application/json"},
            }
        }

    validator = {
        "Validator": {
            "Type": "AWS::ApiGateway::RequestValidator",
            "Properties": {
                "RestApiId": ref("Api"),
                "ValidateRequestBody": "true",
                "ValidateRequestParameters": True,
            },
        },
        "Own": {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": {
                "RestApiId": ref("Api"),
                "ResponseType": "BAD_REQUEST_BODY",
                "StatusCode": "422",
                "ResponseParameters": {
                    "gatewayresponse.header.X-Request-Id": "context.requestId",
                    "gatewayresponse.header.X-Fixed": "'yes'",
                    "gatewayresponse.header.X-Path": "method.request.querystring.needed",
                },
                "ResponseTemplates": {
                    "application/json": '{"why": "$context.error.message", "id": '
                    '"$context.requestId", "kind": "$context.error.responseType", '
                    '"of": "${context.stage}$context.resourcePath", '
                    '"detail": $context.error.validationErrorString}'
                },
            },
        },
        "Other": {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": {
                "RestApiId": ref("Api"),
                "ResponseType": "DEFAULT_4XX",
                "ResponseTemplates": {
                    "application/json": '{"refused": $context.error.messageString}'
                },
            },
        },
    }
    return standing(
        cloud,
        api(
            function(ECHO),
            validator,
            model("Inner", {"type": "integer", "maximum": 5}),
            model("Outer", SCHEMA),
            method(
                "/validated",
                proxy(),
                verb="POST",
                RequestValidatorId=ref("Validator"),
                RequestModels={"application/json": ref("OuterModel")},
                RequestParameters={
                    "method.request.querystring.needed": "true",
                    "method.request.header.X-Optional": False,
                },
            ),
        ),
    )


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, 'object has missing required properties (["body"])'),
        (
            {"body": 1},
            'does not match any allowed primitive type (allowed: ["string"])',
        ),
        ({"body": "x", "inner": 6}, "numeric instance is greater than the required maximum"),
        ({"body": "x", "more": 1}, "properties which are not allowed by the schema"),
    ],
)
def test_a_body_that_is_not_as_the_model_says_is_refused_by_the_gateway(
    validated: Api, body: Json, detail: str
) -> None:
    path = "/validated?needed=1"

    refused = validated.ask(path, verb="POST", body=json.dumps(body).encode())

    assert refused.status == 422
    text = refused.body.decode()
    assert f'"why": "Invalid request body", "id": "{refused.headers["X-Request-Id"]}"' in text
    assert '"kind": "BAD_REQUEST_BODY", "of": "live/validated"' in text
    assert detail in text
    assert (refused.headers["X-Fixed"], refused.headers["X-Path"]) == ("yes", "1")
    assert refused.headers["X-Request-Id"] == refused.headers["x-amzn-RequestId"]


def test_a_good_body_passes_and_so_does_one_of_another_type(validated: Api) -> None:
    def status(body: bytes, kind: str) -> int:
        return validated.ask(
            "/validated?needed=1", verb="POST", body=body, Content_Type=kind
        ).status

    assert status(b'{"body": "x", "inner": 5}', "application/json; charset=utf-8") == 200
    assert status(b"{", "application/json") == 422
    assert status(b"{", "text/plain") == 200, "AWS checks only what names a model"


def test_a_missing_parameter_is_400_in_the_words_of_default_4xx(validated: Api) -> None:
    refused = validated.ask("/validated", verb="POST", body=b"{}")

    assert refused.status == 400
    assert refused.json == {"refused": "Missing required request parameters: [needed]"}


# ---- Cache ----


@pytest.fixture(scope="module")
def cached(cloud: Cloud) -> Api:
    keys = {**proxy(), "CacheKeyParameters": ["method.request.querystring.copy"]}
    declared = {"method.request.querystring.copy": False}
    settings = [
        {"ResourcePath": f"/{path}", "HttpMethod": verb, "CachingEnabled": "true", **more}
        for path, verb, more in (
            ("kept", "GET", {"CacheTtlInSeconds": "300"}),
            ("brief", "GET", {"CacheTtlInSeconds": "1"}),
            ("posted", "POST", {}),
        )
    ]
    return standing(
        cloud,
        api(
            function(COUNTING),
            method("/kept", keys, RequestParameters=declared),
            method("/brief", keys, RequestParameters=declared),
            method("/posted", proxy(), verb="POST"),
            method("/fresh", proxy()),
            stage={
                "CacheClusterEnabled": "true",
                "CacheClusterSize": "0.5",
                "MethodSettings": settings,
            },
        ),
    )


def test_answers_are_kept_by_the_parameters_that_the_method_names(cached: Api) -> None:
    one = cached.ask("/kept?copy=1&other=1")
    again = cached.ask("/kept?copy=1&other=2")

    assert again.body == one.body
    assert again.headers["x-amzn-RequestId"] != one.headers["x-amzn-RequestId"]
    assert cached.ask("/kept?copy=2").body != one.body
    assert cached.ask("/fresh").body != cached.ask("/fresh").body, "only where it is switched on"
    posted = cached.ask("/posted", verb="POST")
    assert cached.ask("/posted", verb="POST").body == posted.body, "a method may say so itself"


def test_an_answer_is_kept_for_its_ttl(cached: Api) -> None:
    first = cached.ask("/brief").body

    until("another answer", lambda: cached.ask("/brief").body != first, within_s=5)


def test_a_client_without_the_right_cannot_refresh_and_is_told(cached: Api) -> None:
    first = cached.ask("/kept?copy=3")

    ignored = cached.ask("/kept?copy=3", Cache_Control="max-age=0")

    assert ignored.body == first.body
    assert ignored.headers["Warning"].startswith("199 Cache-control headers were ignored")


def test_without_a_cluster_nothing_is_kept(cloud: Cloud) -> None:
    settings = [{"ResourcePath": "/*", "HttpMethod": "*", "CachingEnabled": True}]
    bare = standing(
        cloud, api(function(COUNTING), method("/", proxy()), stage={"MethodSettings": settings})
    )

    assert bare.ask("/").body != bare.ask("/").body
    cloud.deleted(bare.stack.name)


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
