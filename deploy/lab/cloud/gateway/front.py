"""REST APIs at their host names: an ASGI app in front of MiniStack's, which does not see them."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from deploy.lab.cloud.border import records
from deploy.lab.cloud.gateway.exchange import Answer, Pairs, Request, last
from deploy.lab.cloud.gateway.integrations import MAX_PAYLOAD_BYTES
from deploy.lab.cloud.gateway.pipeline import Pipeline
from deploy.lab.cloud.gateway.snapshots import API_GATEWAY

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

HOST = re.compile(rb"([a-z0-9]+)\.execute-api\.")
EDGE_HOST = "x-forwarded-host"
# The server below knows names of headers in lower case only; these are as all clients write them.
CANONICAL = {
    name.lower().encode(): name
    for name in (
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Authorization",
        "Cache-Control",
        "Content-Length",
        "Content-Type",
        "Cookie",
        "Host",
        "Origin",
        "Referer",
        "User-Agent",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
    )
}


class Front:
    """Hands requests for a REST API to the pipeline, and everything else on."""

    def __init__(self, pipeline: Pipeline, otherwise: App) -> None:
        self._pipeline = pipeline
        self._otherwise = otherwise

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        api_id = _api_id(scope)
        if api_id is None:
            await self._otherwise(scope, receive, send)
            return
        raw_path = (scope.get("raw_path") or b"/").decode("latin-1")
        stage, _, rest = raw_path.lstrip("/").partition("/")
        request = _request(scope, f"/{rest}", await _body(receive))
        await _send(send, await self._pipeline.serve(api_id, stage, request), request)


def _api_id(scope: Message) -> str | None:
    """The REST API that the Host header names; HTTP APIs are MiniStack's."""
    if scope["type"] != "http":
        return None
    for name, value in scope["headers"]:
        if name == b"host" and (found := HOST.match(value)):
            api_id = found[1].decode()
            return api_id if api_id in records(API_GATEWAY.rest_apis) else None
    return None


def _request(scope: Message, path: str, body: bytes) -> Request:
    headers = _as_sent(
        tuple(
            (CANONICAL.get(name) or name.decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
        )
    )
    forwarded = [value for name, value in headers if name == "X-Forwarded-For"]
    client = (scope.get("client") or ("127.0.0.1", 0))[0]
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Request(
        method=scope["method"],
        path=path,
        query=tuple(query),
        headers=headers,
        body=body,
        # The last one is whom the edge saw; before it stands what the client claims.
        source_ip=forwarded[-1].rpartition(",")[2].strip() if forwarded else client,
    )


def _as_sent(headers: Pairs) -> Pairs:
    """Headers with the host that the client named.

    The edge asks us by a host name of our own, and puts the client's behind what the client itself
    may have said in X-Forwarded-Host.
    """
    forwarded = last(headers, EDGE_HOST, fold=True)
    if forwarded is None:
        return headers
    claimed, _, host = forwarded.rpartition(",")
    others = tuple(pair for pair in headers if pair[0].lower() not in {"host", EDGE_HOST})
    return (("Host", host.strip()), *others, *([(EDGE_HOST, claimed)] if claimed else []))


async def _body(receive: Receive) -> bytes:
    """The body, cut off where it is too long anyway, but read to its end."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        if size <= MAX_PAYLOAD_BYTES:
            chunks.append(chunk)
            size += len(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _send(send: Send, answer: Answer, request: Request) -> None:
    headers = [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in answer.headers
        if name.lower() != "content-length"
    ]
    headers.append((b"Content-Length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if request.method == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})
