"""What happens around every request: its id, its log line, its limits, its last safety net.

Plain ASGI: the class-based `BaseHTTPMiddleware` costs 40 % of the throughput.
"""

import logging
import os
import re
import time
from collections.abc import Sequence
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import internal_error, too_large, unavailable
from app.logs import request_id
from app.tracing import Trace, from_aws, from_w3c, trace

# Anything else that somebody sends could be made to look like something it is not in a log.
_SANE_ID = re.compile(rb"[\w.:=/+;@-]{1,128}", re.ASCII)

# A health check must get its answer also when there is too much to do: a balancer that
# takes a busy copy away makes the others busier.
_ALWAYS_ANSWERED = "/healthz"

log = logging.getLogger("app.requests")


class RequestContext:
    """Give each request its id and its log line, bound how many there are, catch what escapes."""

    def __init__(self, app: ASGIApp, *, max_request_bytes: int, max_in_flight: int) -> None:
        self._app = app
        self._max_request_bytes = max_request_bytes
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._first = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        own_id, own_trace, declared_bytes = _look_at(scope)
        id_token, trace_token = request_id.set(own_id), trace.set(own_trace)
        scope.setdefault("state", {})["is_first"] = self._first
        self._first = False
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", own_id.encode()))
            await send(message)

        self._in_flight += 1
        try:
            if self._in_flight > self._max_in_flight and scope["path"] != _ALWAYS_ANSWERED:
                full = unavailable("overloaded", "too many requests are being answered already")
                await full(scope, receive, send_with_id)
            elif declared_bytes > self._max_request_bytes:
                # FastAPI's max_body_size stops what declares no length; for what does, its
                # answer would be plain text.
                await too_large(self._max_request_bytes)(scope, receive, send_with_id)
            else:
                await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if status:
                raise  # half an answer is out: only closing the connection is honest
            await internal_error()(scope, receive, send_with_id)
        finally:
            self._in_flight -= 1
            _write_line(scope, status, started_s)
            request_id.reset(id_token)
            trace.reset(trace_token)


class UnderPrefix:
    """Live under the prefixes that a gateway adds: paths work with and without them.

    `prefix` comes before every path that clients see, so links have it. Each of `route_prefixes`
    is a second way to the same routes, which the gateway treats differently.
    """

    def __init__(self, app: ASGIApp, *, prefix: str, route_prefixes: Sequence[str] = ()) -> None:
        self._app = app
        self._prefix = prefix
        self._route_prefixes = tuple(route_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on; routes are looked up without the prefix that it came under."""
        path = scope.get("path", "")
        scope["root_path"] = next(
            (known for known in self._route_prefixes if path.startswith(f"{known}/")), self._prefix
        )
        await self._app(scope, receive, send)


def _look_at(scope: Scope) -> tuple[str, Trace | None, int]:
    """Read the request's id, its trace and the length it declares; 0 when it declares none."""
    ours = aws = w3c = b""
    declared_bytes = 0
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            ours = value
        elif name == b"x-amzn-trace-id":
            aws = value
        elif name == b"traceparent":
            w3c = value
        elif name == b"content-length" and value.isdigit():
            declared_bytes = int(value[:20])
    # The gateway's own comes first, so that what it records is found under the same id.
    own_trace = (from_aws(aws.decode("latin-1")) if aws else None) or (
        from_w3c(w3c.decode("latin-1")) if w3c else None
    )
    if ours and _SANE_ID.fullmatch(ours):
        return ours.decode(), own_trace, declared_bytes
    return own_trace.id if own_trace else os.urandom(16).hex(), own_trace, declared_bytes


def _write_line(scope: Scope, status: int, started_s: float) -> None:
    # A line for every good request would cost a seventh of the throughput and repeat what the
    # balancer's access log says already: those come at DEBUG.
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        level = logging.ERROR
    elif status >= HTTPStatus.BAD_REQUEST:
        level = logging.INFO
    else:
        level = logging.DEBUG
    if log.isEnabledFor(level):
        spent_ms = round((time.perf_counter() - started_s) * 1000, 1)
        log.log(
            level,
            "%s %s %s",
            scope["method"],
            scope["path"],
            status or "cancelled",
            extra={"status": status, "ms": spent_ms},
        )
