"""The way of a request through a REST API: routes, events, answers, limits, snapshots."""

import base64
import json
import threading
import time

import pytest

from tests.contract.cloud.conftest import Cloud, Json, att, ref
from tests.contract.cloud.rest_api import (
    ECHO,
    OUTPUTS,
    Api,
    api,
    function,
    method,
    proxy,
    standing,
    sub,
)

pytestmark = pytest.mark.lab

ANSWERS = """
import base64, json, time

def handler(event, context):
    query = event["queryStringParameters"] or {}
    time.sleep(float(query.get("sleep", 0)))
    if "raise" in query:
        raise ValueError("no")
    return json.loads(base64.b64decode(query["answer"])) if "answer" in query else {"body": "ok"}
"""


@pytest.fixture(scope="module")
def echo(cloud: Cloud) -> Api:
    parts = (
        function(ECHO),
        method("/", proxy()),
        method("/messages/{id}", proxy()),
        method("/messages/latest", proxy(), verb="POST"),
        method("/files/{proxy+}", proxy(), verb="ANY"),
    )
    stage = {"Variables": {"colour": "blue"}, "TracingEnabled": "true"}
    return standing(cloud, api(*parts, stage=stage, BinaryMediaTypes=["image/png"]))


@pytest.fixture(scope="module")
def answering(cloud: Cloud) -> Api:
    quick = {**proxy(), "TimeoutInMillis": 300}
    parts = (
        function(ANSWERS),
        method("/any", proxy(), verb="ANY"),
        method("/quick", quick),
    )
    return standing(cloud, api(*parts, BinaryMediaTypes=["image/*"]))


def returning(answering: Api, value: object) -> tuple[int, bytes]:
    encoded = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    answer = answering.ask(f"/any?answer={encoded}")
    return answer.status, answer.body


def test_the_most_specific_resource_that_knows_the_verb_serves(echo: Api) -> None:
    one = echo.ask("/messages/first").json
    posted = echo.ask("/messages/latest", verb="POST").json
    file = echo.ask("/files/a/b%20c/d").json

    assert (one["resource"], one["pathParameters"]) == ("/messages/{id}", {"id": "first"})
    assert (posted["resource"], posted["pathParameters"]) == ("/messages/latest", None)
    assert file["resource"] == "/files/{proxy+}"
    assert file["pathParameters"] == {"proxy": "a/b%20c/d"}
    assert file["path"] == "/files/a/b%20c/d"


@pytest.mark.parametrize(
    ("verb", "path"),
    [("GET", "/nowhere"), ("DELETE", "/messages/1"), ("OPTIONS", "/messages/1"), ("GET", "/files")],
)
def test_what_no_method_serves_is_403_as_if_a_token_were_missing(
    echo: Api, verb: str, path: str
) -> None:
    answer = echo.ask(path, verb=verb)

    assert answer.status == 403
    assert answer.json == {"message": "Missing Authentication Token"}
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_an_unknown_stage_is_forbidden(echo: Api) -> None:
    answer = echo.ask("/", stage="dead")

    assert (answer.status, answer.json) == (403, {"message": "Forbidden"})


def test_the_event_is_that_of_a_rest_api(echo: Api) -> None:
    answer = echo.ask(
        "/messages/7?a=1&a=2&empty=", Accept="text/plain", X_Custom="yes", User_Agent="me"
    )
    event = answer.json
    context = event["requestContext"]

    assert event["path"] == "/messages/7"
    assert event["queryStringParameters"] == {"a": "2", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "empty": [""]}
    assert event["headers"]["x-custom"] == "yes"
    assert event["multiValueHeaders"]["Accept"] == ["text/plain"]
    assert event["stageVariables"] == {"colour": "blue"}
    assert (event["body"], event["isBase64Encoded"]) == (None, False)
    assert context["path"] == "/live/messages/7"
    assert context["resourcePath"] == "/messages/{id}"
    assert (context["stage"], context["httpMethod"]) == ("live", "GET")
    assert context["identity"]["sourceIp"].startswith("127.")
    assert context["identity"]["userAgent"] == "me"
    assert context["apiId"] == echo.id
    assert context["requestId"] == answer.headers["x-amzn-RequestId"]
    assert context["extendedRequestId"] == answer.headers["x-amz-apigw-id"]


def test_the_host_is_the_one_that_the_client_named_to_the_edge(echo: Api) -> None:
    by_edge = echo.ask("/", X_Forwarded_Host="127.1.60.1:8080").json
    with_a_claim = echo.ask("/", X_Forwarded_Host="claimed.example,127.1.60.1:8080").json

    assert by_edge["headers"]["Host"] == "127.1.60.1:8080"
    assert by_edge["requestContext"]["domainName"] == "127.1.60.1:8080"
    assert "x-forwarded-host" not in by_edge["headers"]
    assert with_a_claim["headers"]["Host"] == "127.1.60.1:8080"
    assert with_a_claim["headers"]["x-forwarded-host"] == "claimed.example"


def test_binary_bodies_are_encoded_by_their_type(echo: Api) -> None:
    picture = echo.ask("/files/x", verb="PUT", body=b"\x89PNG", Content_Type="image/png").json
    text = echo.ask("/files/x", verb="PUT", body=b"abc", Content_Type="text/plain").json

    assert (picture["body"], picture["isBase64Encoded"]) == ("iVBORw==", True)
    assert (text["body"], text["isBase64Encoded"]) == ("abc", False)


def test_one_trace_leads_from_the_client_through_the_gateway_into_the_function(echo: Api) -> None:
    root = "Root=1-65a1b2c3-0123456789abcdef01234567"

    begun = echo.ask("/messages/1", X_Amzn_Trace_Id=root)
    fresh = echo.ask("/messages/1")

    assert begun.json["trace"].startswith(root)
    assert begun.json["headers"]["X-Amzn-Trace-Id"].startswith(root)
    assert begun.headers["X-Amzn-Trace-Id"].startswith(root)
    assert "Sampled=1" in begun.json["trace"], "the stage traces"
    assert fresh.json["trace"].startswith("Root=1-")
    assert root not in fresh.json["trace"]


def test_a_functions_answer_becomes_the_clients(answering: Api) -> None:
    value = {
        "statusCode": "201",
        "headers": {"X-One": 1, "x-two": "single", "WWW-Authenticate": "Bearer"},
        "multiValueHeaders": {"X-Two": ["a", "b"]},
        "body": "made",
    }
    encoded = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    answer = answering.ask(f"/any?answer={encoded}")

    assert (answer.status, answer.body) == (201, b"made")
    assert answer.headers["X-One"] == "1"
    assert answer.headers.get_all("X-Two") == ["a", "b"], "of both kinds the several values count"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["x-amzn-Remapped-WWW-Authenticate"] == "Bearer"


def test_an_encoded_body_is_decoded_for_a_client_that_accepts_binary(answering: Api) -> None:
    value = {"isBase64Encoded": True, "body": "iVBORw=="}
    encoded = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()

    assert answering.ask(f"/any?answer={encoded}", Accept="image/png").body == b"\x89PNG"
    assert answering.ask(f"/any?answer={encoded}", Accept="text/html").body == b"iVBORw=="


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        {"body": {"not": "text"}},
        {"statusCode": "two hundred"},
        {"unknown": 1},
        {"headers": ["a"]},
        {"multiValueHeaders": {"a": "b"}},
        {"headers": {"a": ["b"]}},
    ],
)
def test_an_answer_in_another_format_is_502(answering: Api, value: object) -> None:
    status, body = returning(answering, value)

    assert (status, body) == (502, b'{"message": "Internal server error"}')


def test_a_function_that_raises_is_502(answering: Api) -> None:
    answer = answering.ask("/any?raise=1")

    assert answer.status == 502
    assert answer.json == {"message": "Internal server error"}


def test_a_late_integration_is_504_and_holds_up_nobody(answering: Api) -> None:
    late: list[int] = []
    slow = threading.Thread(target=lambda: late.append(answering.ask("/quick?sleep=2").status))
    answering.ask("/any")
    slow.start()
    began = time.monotonic()
    while slow.is_alive():
        assert answering.ask("/any").status == 200
    slow.join()

    assert late == [504]
    assert time.monotonic() - began < 2, "nobody waited for the function"
    assert answering.ask("/quick?sleep=2").json == {"message": "Endpoint request timed out"}


def test_a_body_above_10_mb_is_413(answering: Api) -> None:
    limit = 10 * 1024 * 1024

    over = answering.ask("/any", verb="POST", body=b"x" * (limit + 1))

    assert (over.status, over.json) == (413, {"message": "Request Too Long"})
    # 10 MB are more than a function takes, which is another's refusal.
    assert answering.ask("/any", verb="POST", body=b"x" * limit).status == 500
    assert answering.ask("/any", verb="POST", body=b"x" * (5 * 1024 * 1024)).status == 200


def test_a_function_that_gives_no_permission_is_not_called(cloud: Cloud) -> None:
    resources = api(function(ECHO), method("/", proxy()))
    del resources["FPermission"]
    closed = standing(cloud, resources)

    answer = closed.ask("/")

    assert (answer.status, answer.json) == (500, {"message": "Internal server error"})
    cloud.deleted(closed.stack.name)


def test_permission_for_another_api_or_for_the_function_without_its_alias_is_none(
    cloud: Cloud,
) -> None:
    def status(**changed: object) -> int:
        alias = {
            "V": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref("F")}},
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "FunctionName": ref("F"),
                    "FunctionVersion": att("V", "Version"),
                    "Name": "stable",
                },
            },
        }
        uri = sub(
            "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Alias}/invocations"
        )
        resources = api(function(ECHO), alias, method("/", {**proxy(), "Uri": uri}))
        resources["FPermission"]["Properties"] |= changed
        standing_api = standing(cloud, resources)
        answer = standing_api.ask("/").status
        cloud.deleted(standing_api.stack.name)
        return answer

    other = sub("arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:other/*")

    assert status(FunctionName=ref("Alias")) == 200
    assert status(FunctionName=ref("F")) == 500
    assert status(FunctionName=ref("Alias"), SourceArn=other) == 500


def test_a_throttled_function_is_500(cloud: Cloud) -> None:
    resources = api(function(ECHO, ReservedConcurrentExecutions=0), method("/", proxy()))
    api_ = standing(cloud, resources)

    answer = api_.ask("/")

    assert (answer.status, answer.json) == (500, {"message": "Internal server error"})
    cloud.deleted(api_.stack.name)


def test_a_deployment_is_a_snapshot(cloud: Cloud) -> None:
    def resources(version: str, deployment: str) -> Json:
        added = method("/added", proxy()) if version == "two" else {}
        return api(function(ECHO), method("/", proxy()), added, deployment=deployment)

    served = standing(cloud, resources("one", "DeploymentOne"))
    name = served.stack.name

    cloud.updated(name, resources("two", "DeploymentOne"), OUTPUTS)
    before = served.ask("/added").status
    cloud.updated(name, resources("two", "DeploymentTwo"), OUTPUTS)

    assert before == 403, "the stage still shows what was deployed"
    assert served.ask("/added").status == 200
    # CloudFormation deletes what a template no longer has after it made what is new: the deployment
    # of the same update still has the method, on AWS too.
    cloud.updated(name, resources("one", "DeploymentThree"), OUTPUTS)
    assert served.ask("/added").status == 200
    cloud.updated(name, resources("one", "DeploymentFour"), OUTPUTS)
    assert served.ask("/added").status == 403
    assert cloud.deleted(name) == "DELETE_COMPLETE"


def test_an_api_without_methods_cannot_be_deployed(cloud: Cloud) -> None:
    stack = cloud.finished(cloud.create(api()))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert "contain any methods" in str(cloud.reasons(stack.name))


def test_a_stage_writes_a_line_for_each_request_once_the_account_has_a_role(cloud: Cloud) -> None:
    log: Json = {"Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/access"}}}
    form = "$context.requestId $context.status $context.httpMethod $context.error.message"
    stage = {
        "AccessLogSetting": {
            "DestinationArn": sub("arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Log}"),
            "Format": form,
        }
    }
    resources = api(log, function(ECHO), method("/", proxy()), stage=stage)

    refused = cloud.finished(cloud.create(resources))
    cloud.client("apigateway").update_account(
        patchOperations=[
            {"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::0:role/logs"}
        ]
    )
    logged = standing(cloud, resources)
    good, bad = logged.ask("/"), logged.ask("/nowhere")

    assert refused.status == "ROLLBACK_COMPLETE"
    assert "CloudWatch Logs role ARN must be set" in str(cloud.reasons(refused.name))
    events = cloud.client("logs").filter_log_events(logGroupName="/access")["events"]
    ids = [answer.headers["x-amzn-RequestId"] for answer in (good, bad)]
    assert [event["message"] for event in events] == [
        f"{ids[0]} 200 GET -",
        f"{ids[1]} 403 GET Missing Authentication Token",
    ]
    cloud.deleted(logged.stack.name)


def test_a_switched_off_endpoint_is_forbidden(cloud: Cloud) -> None:
    resources = api(function(ECHO), method("/", proxy()), DisableExecuteApiEndpoint="true")
    closed = standing(cloud, resources)

    assert (closed.ask("/").status, closed.ask("/").json) == (403, {"message": "Forbidden"})
    cloud.deleted(closed.stack.name)
