"""One trace id joins what is in front, the service, the queue and the worker."""

import importlib
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.api import create_app
from app.authorizing import handler_for
from app.handler import handle, succeeded
from app.identity import Identity
from app.logs import configure_logs
from app.messages import Delivery, Message, size_bytes
from app.tracing import from_aws, from_w3c, trace
from tests.unit.app.conftest import lines
from tests.unit.app.memory_queue import MemoryQueue

ROOT = "1-67891233-abcdef012345678912345678"
HEADER = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.mark.parametrize(
    ("header", "handed_on"),
    [
        (HEADER, HEADER),
        (f"Root={ROOT}", f"Root={ROOT}"),
        (f"Root={ROOT};Sampled=?", f"Root={ROOT};Sampled=?"),
        (f"Self=1-67891234-12456789abcdef012345678a;{HEADER}", HEADER),
        (f"{HEADER};CalledFrom=app;<script>", HEADER),
        (f"Sampled=0; Root={ROOT}", f"Root={ROOT};Sampled=0"),
    ],
)
def test_a_trace_of_aws_is_handed_on_without_what_is_not_of_the_trace(
    header: str, handed_on: str
) -> None:
    assert from_aws(header) == (ROOT, handed_on)


@pytest.mark.parametrize(
    "header",
    ["", "Root=", "Root=1-67-ab", f"Root={ROOT}0", f"XRoot={ROOT}", f"Root={ROOT.upper()}", ROOT],
)
def test_what_is_no_trace_of_aws_is_none(header: str) -> None:
    assert from_aws(header) is None


def test_a_trace_of_w3c_becomes_one_of_aws() -> None:
    known = from_w3c("00-67891233abcdef012345678912345678-53995c3f42cd8ad8-01")
    unsampled = from_w3c("00-67891233abcdef012345678912345678-53995c3f42cd8ad8-02")

    assert known == (ROOT, HEADER)
    assert unsampled
    assert unsampled.header.endswith("Sampled=0")


@pytest.mark.parametrize(
    "header",
    ["", "00-1-2-01", "01-67891233abcdef012345678912345678-53995c3f42cd8ad8-01", f"00-{'0' * 32}"],
)
def test_what_is_no_trace_of_w3c_is_none(header: str) -> None:
    assert from_w3c(header) is None


@pytest.mark.parametrize(
    ("headers", "carried"),
    [
        ({"X-Amzn-Trace-Id": HEADER}, HEADER),
        # The request is called by its trace, so its id says it all.
        ({"X-Amzn-Trace-Id": f"Root={ROOT}"}, ""),
        ({"X-Amzn-Trace-Id": f"Root={ROOT}", "X-Request-Id": "own"}, f"Root={ROOT}"),
        ({}, ""),
    ],
)
def test_a_message_carries_the_trace_unless_the_requests_id_says_it(
    queue: MemoryQueue, identity: Identity, headers: dict[str, str], carried: str
) -> None:
    client = TestClient(create_app(queue, identity))

    client.post("/messages", json={"body": "hello"}, headers=headers)

    assert [sent.message.trace for sent in queue.visible] == [carried]
    assert trace.get() is None


def test_a_trace_counts_towards_no_limit() -> None:
    assert size_bytes(Message("hello", trace=HEADER)) == size_bytes(Message("hello"))


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("header", [HEADER, f"Root={ROOT}"])
def test_the_service_the_worker_and_the_function_log_the_same_trace(
    queue: MemoryQueue, identity: Identity, capsys: pytest.CaptureFixture[str], header: str
) -> None:
    function = importlib.import_module("app.entrypoints.lambda_sqs").handler
    configure_logs(level="DEBUG", variant="test")
    client = TestClient(create_app(queue, identity))

    client.post("/messages", json={"body": "hello"}, headers={"X-Amzn-Trace-Id": header})
    (sent,) = queue.visible
    assert succeeded(handle, Delivery(sent.id, "r", sent.message))
    function(_event(sent), None)

    told = [
        line
        for line in lines(capsys.readouterr().out)
        if line["logger"] in {"app.requests", "app.handler"}
    ]
    assert [line["message"].split()[0] for line in told] == ["POST", "message", "message"]
    assert {line["trace_id"] for line in told} == {ROOT}


def _event(sent: Delivery) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": sent.id,
                "receiptHandle": "r",
                "body": sent.message.body,
                "messageAttributes": {
                    name: {"stringValue": value} for name, value in sent.message.attributes.items()
                },
                "attributes": {"ApproximateReceiveCount": "1"}
                | ({"AWSTraceHeader": sent.message.trace} if sent.message.trace else {}),
            }
        ]
    }


@pytest.mark.usefixtures("restored_logging")
def test_the_authorizer_says_in_which_trace_it_denied_and_not_what_was_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs(level="INFO", variant="test")
    headers = {"Authorization": "Bearer nearly", "X-Amzn-Trace-Id": HEADER}

    handler_for("right")({"methodArn": "arn:api/live/GET/x", "headers": headers}, None)

    (line,) = lines(capsys.readouterr().out)
    assert line["trace_id"] == ROOT
    assert "nearly" not in str(line)
