"""Faults that were asked for: kept here, told to the fleet, and done to requests.

Two are done to requests: the queue that fails, and the requests of a disconnected machine,
which get no answer until it is connected again. Machines are known by their access key id, which
the fleet makes the machine's own id, as on AWS each role session has its own.
What MiniStack calls inside itself, as its poller for functions does, is no request and is spared.
"""

import asyncio
import json
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from deploy.lab.cloud.agents import App, Message, Receive, Send
from deploy.lab.cloud.border import Json
from deploy.lab.faults import Fault, Kind

_SIGNED_BY = re.compile(r"Credential=([^/]+)/[^/]+/[^/]+/([^/]+)/")
_METADATA_OF = re.compile(r"/_lab/metadata/([^/]+)/")

# How soon a held request goes on after its machine was connected again.
_LOOK_EVERY_S = 0.1

# "The request has failed due to a temporary failure of the server": Common Error Types of the
# Amazon SQS API Reference, read 2026-11. SDKs take it for a reason to try again.
_UNAVAILABLE = {
    "__type": "com.amazon.coral.service#ServiceUnavailable",
    "message": "the lab was asked to fail: nineways lab fault queue",
}


class Faults:
    """What is wrong with this lab."""

    def __init__(self, *, dice: Callable[[], float] = random.random) -> None:
        self._machines: dict[str, Fault] = {}
        self._queue_fails = 0.0
        self._hosts: Mapping[str, str] = {}
        self._dice = dice

    @property
    def document(self) -> Json:
        """All of it, as it is asked for and given."""
        queue = {"fail": self._queue_fails} if self._queue_fails else None
        return {"machines": self._of_machines(), "queue": queue}

    def change(self, asked: Mapping[str, Any]) -> None:
        """Take in what is asked for, by key; nothing (null) heals.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is not a document of faults.
        """
        machines = {
            machine_id: Fault.of(fault) if fault else None
            for machine_id, fault in asked.get("machines", {}).items()
        }
        if "queue" in asked:
            fails = float(asked["queue"]["fail"]) if asked["queue"] else 0.0
            if not 0 <= fails <= 1:
                raise ValueError(f"{fails:g} is no share: it is from 0 to 1")
            self._queue_fails = fails
        after = {**self._machines, **machines}
        self._machines = {key: fault for key, fault in after.items() if fault}

    def added_to(self, describe: Callable[[], Json]) -> Callable[[], Json]:
        """Put the machines' faults into the state document; a machine's end is its fault's."""

        def described() -> Json:
            document = describe()
            known = [entry["id"] for entry in (*document["instances"], *document["tasks"])]
            for machine_id in self._machines.keys() - set(known):
                del self._machines[machine_id]
            self._hosts = {
                task["id"]: task["instance_id"]
                for task in document["tasks"]
                if task.get("instance_id")
            }
            return {**document, "faults": self._of_machines()}

        return described

    def is_disconnected(self, machine_id: str) -> bool:
        """Whether a machine, or the one it is on, is cut off."""
        both = (machine_id, self._hosts.get(machine_id, ""))
        return any(self._kind(each) is Kind.DISCONNECT for each in both)

    def queue_fails_now(self) -> bool:
        """Throw the dice for one call."""
        return self._dice() < self._queue_fails

    def _kind(self, machine_id: str) -> Kind | None:
        fault = self._machines.get(machine_id)
        return fault.kind if fault else None

    def _of_machines(self) -> Json:
        return {machine_id: fault.document for machine_id, fault in self._machines.items()}


class FaultyCloud:
    """An ASGI app that serves /_lab/faults, and does to other requests what was asked for."""

    def __init__(self, faults: Faults, otherwise: App, *, changed: Callable[[], None]) -> None:
        self._faults = faults
        self._otherwise = otherwise
        self._changed = changed

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._otherwise(scope, receive, send)
        elif scope["path"] == "/_lab/faults":
            await self._serve(scope["method"], receive, send)
        else:
            await self._pass_on(scope, receive, send)

    async def _serve(self, method: str, receive: Receive, send: Send) -> None:
        """GET tells, POST changes by key."""
        if method == "POST":
            try:
                self._faults.change(json.loads((await _message(receive))["body"]))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                await _respond(send, 400, {"error": f"no faults: {error!r}"})
                return
            self._changed()
        await _respond(send, 200, self._faults.document)

    async def _pass_on(self, scope: Message, receive: Receive, send: Send) -> None:
        machine_id, service = _origin(scope)
        if self._faults.is_disconnected(machine_id):
            held = await self._hold(machine_id, receive)
            if held is None:
                return
            receive = held
        if service == "sqs" and self._faults.queue_fails_now():
            await _message(receive)
            await _respond(send, 503, _UNAVAILABLE)
            return
        await self._otherwise(scope, receive, send)

    async def _hold(self, machine_id: str, receive: Receive) -> Receive | None:
        """Wait until the machine is connected; give the request back, or None if it gave up."""
        message = await _message(receive)
        later = asyncio.ensure_future(receive())
        while self._faults.is_disconnected(machine_id):
            if (await asyncio.wait([later], timeout=_LOOK_EVERY_S))[0]:
                return None
        messages = iter([message])

        async def again() -> Message:
            return next(messages, None) or await later

        return again


def _origin(scope: Message) -> tuple[str, str]:
    """Who sends a request and to which service; empty when it does not say."""
    if metadata := _METADATA_OF.match(scope["path"]):
        return metadata[1], ""
    headers = dict(scope["headers"])
    signed = _SIGNED_BY.search(headers.get(b"authorization", b"").decode("latin-1"))
    return (signed[1], signed[2]) if signed else ("", "")


async def _message(receive: Receive) -> Message:
    """Read a whole request body, as one message."""
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return {"type": "http.request", "body": b"".join(chunks)}


async def _respond(send: Send, status: int, content: Json) -> None:
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/x-amz-json-1.0"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
