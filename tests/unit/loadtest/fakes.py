"""Stand-ins that behave: a queue with both its ends, and a service that breaks one promise."""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.messages import Delivery
from app.messages import Message as QueuedMessage
from app.queue import Depth
from loadtest.queue_probe import Received


class MemoryQueue:
    """Keeps the promise of `app.queue.MessageQueue`."""

    def __init__(self) -> None:
        self.messages: dict[str, QueuedMessage] = {}

    async def send(self, message: QueuedMessage) -> str:
        id_ = str(uuid.uuid4())
        self.messages[id_] = message
        return id_

    async def receive(self, *, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        del wait_s, visibility_s
        return ()

    async def delete(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        del deliveries
        return ()

    async def extend(self, deliveries: Sequence[Delivery], *, visibility_s: int) -> None:
        del deliveries, visibility_s

    async def depth(self) -> Depth:
        return Depth(visible=len(self.messages), in_flight=0, delayed=0)

    async def close(self) -> None:
        pass


@dataclass
class MemoryProbe:
    """Keeps the promise of `loadtest.queue_probe.QueueProbe` for a `MemoryQueue`."""

    queue: MemoryQueue

    def take(
        self, is_ours: Callable[[Received], bool], *, enough: int | None, timeout_s: float
    ) -> Sequence[Received]:
        del enough, timeout_s
        messages = self.queue.messages
        everything = [Received(id_, m.body, m.attributes) for id_, m in messages.items()]
        ours = [message for message in everything if is_ours(message)]
        for message in ours:
            del messages[message.id]
        return ours

    def describe(self) -> str:
        return f"{len(self.queue.messages)} waiting, 0 in flight"


@dataclass(frozen=True)
class Asked:
    """A request as the service met it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    """The answer it gave."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_json(self, status: int, answer: Any) -> "Told":  # noqa: ANN401 - any JSON
        headers = {**self.headers, "content-type": "application/json"}
        return replace(self, status=status, headers=headers, body=json.dumps(answer).encode())


Break = Callable[[Asked, Told], Told]


@dataclass(frozen=True)
class Broken:
    """An ASGI app in front of a good one, which changes what it tells."""

    app: ASGIApp
    change: Break

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        parts: list[Message] = []

        async def receive_and_keep() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        async def keep(message: Message) -> None:
            parts.append(message)

        await self.app(scope, receive_and_keep, keep)
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)
        told = self.change(
            asked,
            Told(
                parts[0]["status"],
                {k.decode(): v.decode() for k, v in parts[0]["headers"]},
                b"".join(part.get("body", b"") for part in parts[1:]),
            ),
        )
        told.headers["content-length"] = str(len(told.body))
        start = {
            "type": "http.response.start",
            "status": told.status,
            "headers": [(k.encode(), v.encode()) for k, v in told.headers.items()],
        }
        await send(start)
        await send({"type": "http.response.body", "body": told.body})
