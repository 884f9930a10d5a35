"""The adapter against an HTTP server on loopback that speaks the protocol of SQS."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from app.messages import Delivery, Message
from app.queue import Depth, MessageRefusedError, QueueUnavailableError
from app.sqs import SqsQueue, sqs_client
from tests.bench.stub_sqs import StubSqs, running_in_thread

pytestmark = pytest.mark.anyio

QUEUE_URL = "http://127.0.0.1/000000000000/q"


@pytest.fixture
def stub() -> StubSqs:
    return StubSqs()


@pytest.fixture
def endpoint(stub: StubSqs, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with running_in_thread(stub) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        yield url


@pytest.fixture
async def queue(endpoint: str) -> AsyncIterator[SqsQueue]:
    assert endpoint
    queue = SqsQueue(sqs_client(region="us-east-1", connections=6), QUEUE_URL)
    yield queue
    await queue.close()


async def test_what_was_sent_is_received_as_it_was(queue: SqsQueue) -> None:
    trace = "Root=1-67891233-abcdef012345678912345678;Sampled=1"
    message = Message("hé\tllo 🙂", {"colour": "blå", "request-id": "r-1"}, trace=trace)

    id_ = await queue.send(message)
    (delivery,) = await queue.receive(wait_s=1, visibility_s=30)

    assert delivery.message == message
    assert delivery.id == id_
    assert delivery.attempt == 1


async def test_a_message_without_a_trace_is_sent_without_system_attributes(
    queue: SqsQueue, stub: StubSqs
) -> None:
    await queue.send(Message("hello"))
    (delivery,) = await queue.receive(wait_s=1, visibility_s=30)

    ((_, request), (_, asked)) = stub.calls
    assert "MessageSystemAttributes" not in request["Entries"][0]
    assert "AWSTraceHeader" in asked["MessageSystemAttributeNames"]
    assert delivery.message.trace == ""


async def test_sends_at_the_same_time_share_a_call(queue: SqsQueue, stub: StubSqs) -> None:
    ids = await asyncio.gather(*(queue.send(Message(str(i))) for i in range(10)))

    ((action, request),) = stub.calls
    assert action == "SendMessageBatch"
    assert [entry["MessageBody"] for entry in request["Entries"]] == [str(i) for i in range(10)]
    assert ids == [message["MessageId"] for message in stub.visible]


async def test_an_entry_that_fails_fails_only_its_caller(queue: SqsQueue, stub: StubSqs) -> None:
    def fail_two(_action: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        good, bad, busy, _forgotten = request["Entries"]
        return 200, {
            "Successful": [{"Id": good["Id"]} | stub.send(good)],
            "Failed": [
                {"Id": bad["Id"], "Code": "InvalidMessageContents", "SenderFault": True},
                {"Id": busy["Id"], "Code": "InternalError", "SenderFault": False},
            ],
        }

    stub.instead = fail_two
    good, bad, busy, forgotten = await asyncio.gather(
        *(queue.send(Message(body)) for body in ("good", "bad", "busy", "forgotten")),
        return_exceptions=True,
    )

    assert good == stub.visible[0]["MessageId"]
    assert isinstance(bad, MessageRefusedError)
    assert isinstance(busy, QueueUnavailableError)
    assert isinstance(forgotten, QueueUnavailableError)


async def test_an_attempt_that_fails_is_made_again(queue: SqsQueue, stub: StubSqs) -> None:
    answers = iter([(500, {"__type": "InternalFailure"}), (503, {"__type": "ServiceUnavailable"})])
    stub.instead = lambda _action, _request: next(answers, None)

    assert await queue.send(Message("a")) == stub.visible[0]["MessageId"]
    assert len(stub.calls) == 3


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "com.amazonaws.sqs#QueueDoesNotExist"),
        (403, "AccessDeniedException"),
        (500, "InternalFailure"),
    ],
)
async def test_a_refused_call_is_an_unavailable_queue(
    queue: SqsQueue, stub: StubSqs, status: int, code: str
) -> None:
    stub.instead = lambda _action, _request: (status, {"__type": code})

    with pytest.raises(QueueUnavailableError):
        await queue.send(Message("a"))
    with pytest.raises(QueueUnavailableError):
        await queue.depth()


@pytest.mark.usefixtures("endpoint")
async def test_nobody_at_the_address_is_an_unavailable_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    unreachable = SqsQueue(sqs_client(region="us-east-1", connections=6), QUEUE_URL)

    with pytest.raises(QueueUnavailableError, match=r"127\.0\.0\.1:9"):
        await unreachable.send(Message("a"))
    await unreachable.close()


async def test_a_deletion_reports_what_could_not_be_deleted(queue: SqsQueue, stub: StubSqs) -> None:
    await queue.send(Message("a"))
    (good,) = await queue.receive(wait_s=1, visibility_s=30)
    stale = Delivery("m-0", "no-such-receipt", Message("b"))

    assert await queue.delete([good, stale]) == [stale]
    assert stub.in_flight == {}


async def test_visibility_is_extended_for_each_delivery(queue: SqsQueue, stub: StubSqs) -> None:
    await queue.extend([Delivery("m-1", "r-1", Message("a"))], visibility_s=45)

    ((action, request),) = stub.calls
    assert action == "ChangeMessageVisibilityBatch"
    assert request["Entries"] == [{"Id": "0", "ReceiptHandle": "r-1", "VisibilityTimeout": 45}]


async def test_the_depth_is_read_from_the_counters(queue: SqsQueue) -> None:
    await queue.send(Message("a"))
    await queue.send(Message("b"))
    await queue.receive(wait_s=1, visibility_s=30)
    await queue.send(Message("c"))

    assert await queue.depth() == Depth(visible=1, in_flight=2, delayed=0)


async def test_every_call_names_us_the_same_way(queue: SqsQueue, stub: StubSqs) -> None:
    await queue.send(Message("a"))
    await queue.depth()

    (user_agent,) = stub.user_agents
    assert user_agent.startswith("nineways")
