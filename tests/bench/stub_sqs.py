"""An SQS that does nothing but answer: AWS's JSON protocol over HTTP/1.1 on loopback, after a set
latency, at a small cost. The benchmark runs it as a process; the tests of app/sqs.py in a thread,
where they also make it refuse.
"""

import argparse
import asyncio
import functools
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from itertools import count
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
# What to answer instead of the usual: a status and a body; None for the usual.
Instead: TypeAlias = Callable[[str, Json], tuple[int, Json] | None]


@dataclass
class StubSqs:
    """One queue. What is sent to it is kept only when `keep` says so."""

    latency_s: float = 0.0
    keep: bool = True
    instead: Instead = lambda _action, _request: None
    calls: list[tuple[str, Json]] = field(default_factory=list)
    user_agents: set[str] = field(default_factory=set)
    visible: deque[Json] = field(default_factory=deque)
    in_flight: dict[str, Json] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    connections: set[asyncio.Transport] = field(default_factory=set)

    def answer(self, action: str, request: Json) -> tuple[int, Json]:
        if self.keep:
            self.calls.append((action, request))
        if (other := self.instead(action, request)) is not None:
            return other
        return 200, ACTIONS[action](self, request)

    def send(self, message: Json) -> Json:
        accepted = {
            "MessageId": f"00000000-0000-4000-8000-{next(self.numbers):012x}",
            # boto3 compares it with what it sent.
            "MD5OfMessageBody": md5(
                message["MessageBody"].encode(), usedforsecurity=False
            ).hexdigest(),
        }
        if self.keep:
            kept = {
                "Body": message["MessageBody"],
                "MD5OfBody": accepted["MD5OfMessageBody"],
                "MessageAttributes": message.get("MessageAttributes", {}),
                "Attributes": {"ApproximateReceiveCount": "1"}
                | {
                    name: value["StringValue"]
                    for name, value in message.get("MessageSystemAttributes", {}).items()
                },
            }
            self.visible.append(kept | {"MessageId": accepted["MessageId"]})
        return accepted

    def send_batch(self, request: Json) -> Json:
        return {
            "Successful": [{"Id": entry["Id"]} | self.send(entry) for entry in request["Entries"]]
        }

    def receive(self, request: Json) -> Json:
        messages: list[Json] = []
        while self.visible and len(messages) < request.get("MaxNumberOfMessages", 1):
            message = self.visible.popleft()
            receipt = f"receipt-{next(self.numbers)}"
            self.in_flight[receipt] = message
            messages.append(message | {"ReceiptHandle": receipt})
        return {"Messages": messages}

    def delete_batch(self, request: Json) -> Json:
        done, failed = [], []
        for entry in request["Entries"]:
            if self.in_flight.pop(entry["ReceiptHandle"], None) is not None:
                done.append({"Id": entry["Id"]})
            else:
                failed.append(
                    {"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": True}
                )
        return {"Successful": done, "Failed": failed}

    def extend_batch(self, request: Json) -> Json:
        return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}

    def attributes(self, _request: Json) -> Json:
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(len(self.visible)),
                "ApproximateNumberOfMessagesNotVisible": str(len(self.in_flight)),
                "ApproximateNumberOfMessagesDelayed": "0",
            }
        }


ACTIONS: dict[str, Callable[[StubSqs, Json], Json]] = {
    "SendMessage": StubSqs.send,
    "SendMessageBatch": StubSqs.send_batch,
    "ReceiveMessage": StubSqs.receive,
    "DeleteMessageBatch": StubSqs.delete_batch,
    "ChangeMessageVisibilityBatch": StubSqs.extend_batch,
    "GetQueueAttributes": StubSqs.attributes,
}


class Connection(asyncio.Protocol):
    """One kept-alive connection; requests on it come one after another."""

    def __init__(self, stub: StubSqs) -> None:
        self._stub = stub
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._stub.connections.add(transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._stub.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        headers = dict(
            line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if line
        )
        lower = {name.lower(): value for name, value in headers.items()}
        length = int(lower.get("content-length", 0))
        if len(rest) < length:
            return
        self._received = rest[length:]
        self._stub.user_agents.add(lower.get("user-agent", ""))
        action = lower["x-amz-target"].removeprefix("AmazonSQS.")
        status, body = self._stub.answer(action, json.loads(rest[:length]))
        asyncio.get_running_loop().call_later(
            self._stub.latency_s, self._transport.write, _http(status, body)
        )


def _http(status: int, body: Json) -> bytes:
    content = json.dumps(body).encode()
    return (
        b"HTTP/1.1 %d Whatever\r\nContent-Type: application/x-amz-json-1.0\r\n"
        b"x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (status, len(content), content)
    )


async def listen(stub: StubSqs) -> tuple[asyncio.Server, int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(functools.partial(Connection, stub), "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def hang_up(stub: StubSqs, server: asyncio.Server) -> None:
    server.close()
    while stub.connections:
        stub.connections.pop().abort()
        await asyncio.sleep(0)


@contextmanager
def running_in_thread(stub: StubSqs) -> Iterator[str]:
    """Serve the stub from a thread of this process; gives its URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server, port = asyncio.run_coroutine_threadsafe(listen(stub), loop).result(timeout=5)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(hang_up(stub, server), loop).result(timeout=5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def serve_forever(latency_s: float) -> None:
    server, port = await listen(StubSqs(latency_s=latency_s, keep=False))
    print(port, flush=True)  # noqa: T201 - whoever started this process waits for it
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency-ms", type=float, default=2)
    asyncio.run(serve_forever(parser.parse_args().latency_ms / 1_000))
