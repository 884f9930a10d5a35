"""Lambda's events as API Gateway, a load balancer and SQS write them."""

import asyncio
import base64
import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mangum import Mangum

from app.api import create_app
from app.balancer_events import LoadBalancerEvents
from app.identity import Identity
from app.messages import Delivery
from tests.unit.app.conftest import lines
from tests.unit.app.memory_queue import MemoryQueue

Event = dict[str, Any]
Handler = Callable[[Event], dict[str, Any]]


@pytest.fixture(autouse=True)
def event_loop_of_the_runtime() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def handle(queue: MemoryQueue, identity: Identity) -> Handler:
    handler = Mangum(
        create_app(queue, identity, stage_prefix="/live"),
        lifespan="off",
        custom_handlers=[LoadBalancerEvents],
    )
    return lambda event: dict(handler(event, None))  # type: ignore[arg-type]


def rest_api(method: str, path: str, body: str | None = None, **headers: str) -> Event:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers or None,
        "multiValueHeaders": {name: [value] for name, value in headers.items()} or None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "stage": "live",
            "path": f"/live{path}",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def load_balancer(method: str, path: str, body: str = "", **headers: str) -> Event:
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:…:targetgroup"}},
        "httpMethod": method,
        "path": path,
        "multiValueQueryStringParameters": {},
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "body": body,
        "isBase64Encoded": False,
    }


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/messages", "/live/messages"])
def test_a_rest_api_sends_a_message_with_and_without_its_stage(
    handle: Handler, queue: MemoryQueue, path: str
) -> None:
    answer = handle(rest_api("POST", path, '{"body": "hello"}', **JSON))

    assert answer["statusCode"] == 202
    assert json.loads(answer["body"]) == {"id": queue.visible[0].id}
    assert queue.visible[0].message.body == "hello"
    assert not answer["isBase64Encoded"]


def test_the_trace_id_of_the_gateway_becomes_the_request_id(handle: Handler) -> None:
    root = "1-67891233-abcdef012345678912345678"

    answer = handle(rest_api("GET", "/whoami", **{"X-Amzn-Trace-Id": f"Root={root}"}))

    assert answer["headers"]["x-request-id"] == root


def test_only_the_first_invocation_is_cold(handle: Handler) -> None:
    bodies = [json.loads(handle(rest_api("GET", "/whoami"))["body"]) for _ in range(2)]

    assert [body["cold_start"] for body in bodies] == [True, False]


def test_query_parameters_arrive(handle: Handler) -> None:
    event = rest_api("GET", "/wait") | {
        "queryStringParameters": {"ms": "1"},
        "multiValueQueryStringParameters": {"ms": ["1"]},
    }

    assert handle(event)["statusCode"] == 200


def test_a_load_balancer_gets_multi_value_headers(handle: Handler, queue: MemoryQueue) -> None:
    answer = handle(load_balancer("POST", "/messages", '{"body": "hello"}', **JSON))

    assert answer["statusCode"] == 202
    assert answer["multiValueHeaders"]["content-type"] == ["application/json"]
    assert "headers" not in answer
    assert len(queue.visible) == 1


@pytest.mark.parametrize(
    "host", ["lb.example", "lb.example:8080", "[2001:db8::1]:80", "[::1]", "a:b", "a:", "", ":80"]
)
def test_any_host_header_is_answered(handle: Handler, host: str) -> None:
    event = load_balancer("GET", "/whoami", Host=host)

    assert handle(event)["statusCode"] == 200
    del event["multiValueHeaders"], event["multiValueQueryStringParameters"]
    assert handle(event | {"headers": {"host": host}})["statusCode"] == 200


def test_headers_arrive_as_they_came() -> None:
    event = load_balancer("GET", "/", Host="a:b", Cookie="c=1", **{"X-Forwarded-Port": "8080"})
    event["multiValueHeaders"]["Cookie"] = ["c=1", "d=2"]

    scope = LoadBalancerEvents(event, None, {}).scope  # type: ignore[arg-type, typeddict-item]

    assert sorted(map(tuple, scope["headers"])) == [
        (b"cookie", b"c=1"),
        (b"cookie", b"d=2"),
        (b"host", b"a:b"),
        (b"x-forwarded-port", b"8080"),
    ]
    assert scope["server"] == ("mangum", 8080)
    assert scope["aws.event"] is event


def test_a_health_check_of_a_load_balancer_has_one_header(handle: Handler) -> None:
    event = load_balancer("GET", "/healthz", **{"user-agent": "ELB-HealthChecker/2.0"})

    assert handle(event)["statusCode"] == 200


def test_a_body_in_base64_is_decoded(handle: Handler, queue: MemoryQueue) -> None:
    event = load_balancer("POST", "/messages", **JSON) | {
        "body": base64.b64encode('{"body": "hé"}'.encode()).decode(),
        "isBase64Encoded": True,
    }

    assert handle(event)["statusCode"] == 202
    assert queue.visible[0].message.body == "hé"


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (rest_api("GET", "/nothing"), 404),
        (rest_api("GET", "/messages"), 405),
        (rest_api("POST", "/messages", "x", **{"Content-Type": "text/plain"}), 415),
        (rest_api("POST", "/messages", "{}", **JSON), 422),
        (rest_api("POST", "/messages", "x" * 600_000, **JSON), 413),
        (rest_api("POST", "/messages", None, **JSON), 422),
    ],
)
def test_errors_have_the_same_shape_as_everywhere(
    handle: Handler, event: Event, status: int
) -> None:
    answer = handle(event)

    assert answer["statusCode"] == status
    assert set(json.loads(answer["body"])) == {"error", "request_id"}
    assert answer["headers"]["content-type"] == "application/json"


def test_an_unreachable_queue_is_a_503(handle: Handler, queue: MemoryQueue) -> None:
    queue.reachable = False

    answer = handle(rest_api("POST", "/messages", '{"body": "a"}', **JSON))

    assert answer["statusCode"] == 503
    assert "retry-after" in answer["headers"]


@pytest.mark.usefixtures("restored_logging")
def test_importing_the_http_entrypoint_is_all_that_starting_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NINEWAYS_QUEUE_URL", "http://127.0.0.1:9/000000000000/q")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "nineways")
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/23/[$LATEST]abc")
    monkeypatch.setenv("NINEWAYS_VARIANT", "apigw_lambda")

    entrypoint = importlib.import_module("app.entrypoints.lambda_http")
    answer = entrypoint.handler(rest_api("GET", "/whoami"), None)

    identity = json.loads(answer["body"])
    assert identity["compute"] == "lambda"
    assert identity["compute_id"] == "2026/11/23/[$LATEST]abc"
    assert identity["variant"] == "apigw_lambda"


def sqs_event(*bodies: str) -> Event:
    return {
        "Records": [
            {
                "messageId": f"m-{position}",
                "receiptHandle": f"r-{position}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "2"},
                "messageAttributes": {
                    "request-id": {"stringValue": f"q-{position}", "dataType": "String"}
                },
                "eventSource": "aws:sqs",
            }
            for position, body in enumerate(bodies)
        ]
    }


@pytest.mark.usefixtures("restored_logging")
def test_one_bad_record_is_reported_and_the_others_are_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    entrypoint = importlib.import_module("app.entrypoints.lambda_sqs")
    entrypoint.configure_logs(level="INFO", variant="test")
    done: list[Delivery] = []

    def refuse_bad(delivery: Delivery) -> None:
        if delivery.message.body == "bad":
            raise ValueError("no")
        done.append(delivery)

    answer = entrypoint.handler_for(refuse_bad)(sqs_event("a", "bad", "c"), None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert [(each.message.body, each.attempt) for each in done] == [("a", 2), ("c", 2)]
    (line,) = lines(capsys.readouterr().out)
    assert (line["request_id"], line["message_id"]) == ("q-1", "m-1")


@pytest.mark.usefixtures("restored_logging")
def test_a_good_event_reports_no_failures() -> None:
    entrypoint = importlib.import_module("app.entrypoints.lambda_sqs")

    assert entrypoint.handler(sqs_event("a", "b"), None) == {"batchItemFailures": []}
