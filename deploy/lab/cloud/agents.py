"""The paths under /_lab, where the agents learn what should exist and report what does."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.metadata import Metadata
from deploy.lab.cloud.state import State

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

# Longer than any agent should wait for an answer.
LONGEST_WAIT_S = 60.0


class Agents:
    """An ASGI app that serves /_lab itself and hands everything else on."""

    def __init__(self, lab: Lab, state: State, otherwise: App) -> None:
        self._lab = lab
        self._state = state
        self._otherwise = otherwise
        self._metadata = Metadata()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/_lab/"):
            await self._otherwise(scope, receive, send)
            return
        path = scope["path"].removeprefix("/_lab/")
        if path == "state":
            await self._send_state(scope, send)
        elif path == "observed" and scope["method"] == "POST":
            await self._take_report(receive, send)
        elif path.startswith("metadata/"):
            await self._send_metadata(scope, path.removeprefix("metadata/"), send)
        else:
            await _respond(send, 404, {"error": f"no {scope['method']} {scope['path']} here"})

    async def _send_state(self, scope: Message, send: Send) -> None:
        query = dict(parse_qsl(scope["query_string"].decode()))
        try:
            since, wait_s = int(query.get("since", -1)), float(query.get("wait", 0))
        except ValueError:
            await _respond(send, 400, {"error": "since is a version, wait a number of seconds"})
            return
        document = await self._state.newer_than(since, wait_s=min(wait_s, LONGEST_WAIT_S))
        await _respond(send, 200, document)

    async def _take_report(self, receive: Receive, send: Send) -> None:
        try:
            report = json.loads(await _body(receive))
            self._lab.observed.report(report)
        except (ValueError, AttributeError, TypeError) as error:
            await _respond(send, 400, {"error": f"not a report: {error}"})
            return
        self._state.touch()
        await _respond(send, 200, {})

    async def _send_metadata(self, scope: Message, path: str, send: Send) -> None:
        instance_id, _, rest = path.partition("/")
        headers = {key.decode().lower(): value.decode() for key, value in scope["headers"]}
        status, text = self._metadata.answer(scope["method"], instance_id, rest, headers)
        await _respond(send, status, text)


async def _body(receive: Receive) -> bytes:
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _respond(send: Send, status: int, content: object) -> None:
    kind = b"text/plain" if isinstance(content, str) else b"application/json"
    body = (content if isinstance(content, str) else json.dumps(content)).encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
