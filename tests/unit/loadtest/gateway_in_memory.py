"""A gateway that behaves, in front of the service in memory, and the account that knows of it."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.messages import Message as Queued
from deploy.secrets import Secret
from tests.unit.loadtest.fakes import MemoryProbe, MemoryQueue

CACHE_TTL_S = 3.0
GATEWAY_BYTES, BALANCER_BYTES = 10_485_760, 1_048_576
PREFIXES = ("/keyed", "/authorized", "/cached", "/throttled", "/validated", "/containers")
AT_ONCE = 2
SIGNS = ("union select", "drop table", "'='", "<script", "onerror=")
GIVES_UP_MS = 29_000


def refusal(status: int, code: str, **more: str) -> Response:
    id_ = str(uuid.uuid4())
    error = {"code": code, "message": code, **more}
    headers = {"x-request-id": id_}
    return JSONResponse({"error": error, "request_id": id_}, status, headers=headers)


def accepted(id_: str, status: int = 202) -> Response:
    return JSONResponse({"id": id_}, status, headers={"x-request-id": "x"})


def page(status: int) -> Response:
    return HTMLResponse(f"<html><center><h1>{status}</h1></center></html>", status)


def parsed(body: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@dataclass
class GatewayInMemory:
    """Every feature that is probed, as plainly as can be.

    `is_balancer` refuses as a load balancer with a web ACL does, on pages of its own.
    """

    app: ASGIApp
    containers: ASGIApp
    queue: MemoryQueue
    is_balancer: bool = False
    secrets: dict[Secret, str] = field(
        default_factory=lambda: {Secret.API_KEY: "the-key", Secret.TOKEN: "the-token"}
    )
    now_s: float = 0
    cache: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    passed: list[float] = field(default_factory=list)
    events: MemoryQueue = field(default_factory=MemoryQueue)
    executions: dict[str, str] = field(default_factory=dict)
    quota: int = 1000
    keyed: int = 0
    reserved: int | None = None
    at_once: int = 0
    bucket: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body}

        path = scope["path"]
        answer = self.refuse(scope, body) or await self.answer(Request(scope), path, body)
        if answer is not None:
            await answer(scope, receive_again, send)
            return
        app = self.app
        for prefix in PREFIXES:
            if path.startswith(f"{prefix}/"):
                app = self.containers if prefix == "/containers" else app
                path = path.removeprefix(prefix)
        onward = {**scope, "path": path, "raw_path": path.encode()}
        if scope["path"].startswith("/cached/"):
            send = self.keeping(scope["query_string"].decode(), send)
        if self.reserved is not None and self.at_once >= self.reserved:
            await refusal(500, "throttled")(scope, receive_again, send)
            return
        self.at_once += 1
        try:
            await app(onward, receive_again, send)
        finally:
            self.at_once -= 1

    def refuse(self, scope: Scope, body: bytes) -> Response | None:
        """What does not get in at all."""
        if not self.is_balancer:
            return refusal(413, "over 10 MB") if len(body) > GATEWAY_BYTES else None
        planted = [*parse_qs(scope["query_string"].decode()).get("q", []), body.decode()]
        if any(self.is_attack(text.lower()) for text in planted):
            return page(403)
        return page(413) if len(body) > BALANCER_BYTES else None

    def is_attack(self, text: str) -> bool:
        return any(
            sign in text for sign in ("union select", "drop table", "'='", "<script", "onerror=")
        )

    async def answer(self, request: Request, path: str, body: bytes) -> Response | None:
        """What is answered here; nothing when it is the service's turn."""
        match path.split("/")[1]:
            case "events":
                return await self.publish(parsed(body))
            case "executions":
                return await self.execute(body)
            case "objects":
                return self.keep(request.method, path, request.headers, body)
            case first:
                guard = self.guards.get(first)
                return guard(request, body) if guard else None

    @property
    def guards(self) -> Mapping[str, Callable[[Request, bytes], Response | None]]:
        """Who looks at a request before the service does, by the path's first part."""
        return {
            "keyed": self.look_at_key,
            "authorized": self.authorize,
            "cached": self.remember,
            "throttled": self.throttle,
            "validated": self.validate,
            "wait": self.give_up,
        }

    def look_at_key(self, request: Request, _: bytes) -> Response | None:
        if request.headers.get("x-api-key") != self.secrets[Secret.API_KEY]:
            return refusal(403, "forbidden")
        self.keyed += 1
        return refusal(429, "quota_exceeded") if self.keyed > self.quota else None

    def authorize(self, request: Request, _: bytes) -> Response | None:
        given = request.headers.get("authorization")
        if given is None:
            return refusal(401, "unauthorized")
        right = given == f"Bearer {self.secrets[Secret.TOKEN]}"
        return None if right else refusal(403, "forbidden")

    def remember(self, request: Request, _: bytes) -> Response | None:
        until_s, content = self.cache.get(request.url.query, (0, b""))
        headers = {"x-request-id": "of the first"}
        kept = Response(content, media_type="application/json", headers=headers)
        return kept if until_s > self.now_s else None

    def throttle(self, _: Request, __: bytes) -> Response | None:
        self.passed = [at for at in self.passed if at > self.now_s - 1]
        if len(self.passed) >= AT_ONCE:
            return refusal(429, "throttled")
        self.passed.append(self.now_s)
        return None

    def validate(self, _: Request, body: bytes) -> Response | None:
        fits = isinstance((parsed(body) or {}).get("body"), str)
        return None if fits else refusal(422, "invalid_request")

    def give_up(self, request: Request, _: bytes) -> Response | None:
        asked_ms = int(request.query_params.get("ms", 0))
        return refusal(504, "timeout") if asked_ms > GIVES_UP_MS else None

    def keeping(self, query: str, send: Send) -> Send:
        async def keep(message: Message) -> None:
            if message["type"] == "http.response.body":
                self.cache[query] = (self.now_s + CACHE_TTL_S, message["body"])
            await send(message)

        return keep

    async def publish(self, event: dict[str, object] | None) -> Response:
        if event is None or not event.get("body"):
            return refusal(422, "invalid_request")
        if len(str(event["body"])) > 262_144:
            return refusal(413, "too large")
        attributes = event.get("attributes")
        given = attributes if isinstance(attributes, dict) else {}
        await self.events.send(Queued(str(event["body"]), given))
        return accepted("event-1")

    async def execute(self, body: bytes) -> Response:
        if parsed(body) is None:
            return refusal(422, "invalid_request")
        if len(body) > 262_144:
            return refusal(413, "too large")
        id_ = str(uuid.uuid4())
        self.executions[id_] = body.decode()
        await self.queue.send(Queued(body.decode()))
        return accepted(id_)

    def keep(self, method: str, path: str, headers: Headers, body: bytes) -> Response:
        key = path.rpartition("/")[2]
        if method == "PUT":
            self.bucket[key] = (headers["content-type"], body)
            return accepted(key, 201)
        if key not in self.bucket:
            return refusal(404, "not_found")
        kind, content = self.bucket[key]
        return Response(content, headers={"content-type": kind, "x-request-id": "x"})


@dataclass
class InsideInMemory:
    """Keeps the promise of `loadtest.inside.Inside` for a `GatewayInMemory`."""

    gateway: GatewayInMemory
    has_cache: bool = True

    def secret(self, which: Secret) -> str:
        return self.gateway.secrets[which]

    def cache_ttl_s(self) -> float | None:
        return CACHE_TTL_S if self.has_cache else None

    def quota(self) -> int | None:
        return self.gateway.quota

    def set_quota(self, limit: int) -> None:
        self.gateway.quota = limit

    def reserved(self) -> int | None:
        return self.gateway.reserved

    def reserve(self, at_once: int | None) -> None:
        self.gateway.reserved = at_once

    def events(self) -> MemoryProbe:
        return MemoryProbe(self.gateway.events)

    def execution_input(self, id_: str) -> str | None:
        return self.gateway.executions.get(id_)

    def stored(self, key: str) -> bytes | None:
        return self.gateway.bucket.get(key, (None, None))[1]

    def remove(self, key: str) -> None:
        self.gateway.bucket.pop(key, None)
