"""What Envoy asks before it lets a request on: an ASGI application inside the edge.

Envoy sends the request's method, path, headers and the beginning of its body, below a path
that names the load balancer. 200 lets it on; anything else is what the client gets. Envoy takes
200 and every 5xx of ours for something else, so a rule's reply with such a status is sent as
`DISGUISES` says and becomes itself in the listener's local replies.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from deploy.lab.alb import SERVER, page
from deploy.lab.edge.waf.acls import WebAcl, compiled
from deploy.lab.edge.waf.rates import Rate
from deploy.lab.edge.waf.requests import Decision, Request, UnsupportedError, text
from deploy.lab.edge.wanted import Json

log = logging.getLogger(__name__)

# Headers that Envoy adds to what it asks; none of them is the client's.
CLIENT = "x-nineways-client"
IS_CUT = "x-envoy-auth-partial-body"
OURS = frozenset({CLIENT, IS_CUT, "x-envoy-internal", "x-forwarded-proto"})
# Statuses that Envoy would not pass on, by the unassigned ones that stand for them.
DISGUISES = {200: 460, 500: 461, 501: 462, 502: 463, 503: 464, 504: 465, 505: 466}

KEY_LENGTH = 16

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def key(resource_arn: str) -> str:
    """Name a protected resource where a path may not hold a colon."""
    return sha256(resource_arn.encode()).hexdigest()[:KEY_LENGTH]


@dataclass
class Protection:
    """The web ACLs in force, by what they protect."""

    check_every_s: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._acls: dict[str, WebAcl] = {}
        self._rates: dict[tuple[str, str], Rate] = {}

    def want(self, documents: Iterable[Json]) -> list[str]:
        """Put web ACLs in force; says which cannot be, and why.

        A web ACL that did not change keeps its counts, and so does a rate-based rule of one that
        did, unless its own settings changed.
        """
        acls: dict[str, WebAcl] = {}
        refused: list[str] = []
        used: dict[tuple[str, str], Rate] = {}
        for document in documents:
            try:
                acl = compiled(document, lambda given: self._rate(document, given, used))  # noqa: B023
            except (UnsupportedError, KeyError, TypeError, ValueError) as error:
                refused.append(f"web ACL {document.get('name')}: {error}")
                continue
            acls |= {key(arn): acl for arn in document["resources"]}
        self._acls, self._rates = acls, used
        return refused

    def _rate(self, document: Json, given: Json, used: dict[tuple[str, str], Rate]) -> Rate:
        settings = (document["arn"], repr(given))
        used[settings] = self._rates.get(settings) or Rate(
            limit=int(given["Limit"]),
            window_s=int(given.get("EvaluationWindowSec", 300)),
            check_every_s=self.check_every_s,
            clock=self.clock,
        )
        return used[settings]

    def decide(self, resource: str, request: Request) -> Decision | None:
        """Decide for the resource with this key; None when nothing is known of it."""
        acl = self._acls.get(resource)
        return acl.decide(request) if acl else None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one question of Envoy's."""
        body = await _body(receive)
        resource, request = _question(scope, body)
        decision = self.decide(resource, request)
        if decision and decision.reply:
            log.info(
                "blocked by %s: %s %a", decision.rule or "default", request.method, request.path
            )
        # An edge that has just begun and knows nothing yet must not let everything through.
        status, headers, content = _answer(decision) if decision else (503, [], b"")
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _question(scope: Message, body: bytes) -> tuple[str, Request]:
    # /<key>/a, and /<key>* for OPTIONS *.
    path: bytes = scope["raw_path"]
    resource, rest = path[1 : 1 + KEY_LENGTH], path[1 + KEY_LENGTH :]
    headers = [(text(name), text(value)) for name, value in scope["headers"]]
    added = {name: value for name, value in headers if name in OURS}
    return resource.decode(), Request(
        method=scope["method"],
        path=text(rest),
        query=text(scope["query_string"]),
        headers=tuple(pair for pair in headers if pair[0] not in OURS),
        body=body,
        body_is_cut=added.get(IS_CUT) == "true",
        client=added.get(CLIENT, ""),
    )


def _answer(decision: Decision) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    if decision.reply is None:
        return 200, [_header(name, value) for name, value in decision.insert], b""
    reply = decision.reply
    content = (page(403) if reply.body is None else reply.body).encode()
    kind = "text/html" if reply.body is None else reply.content_type
    headers = [("server", SERVER), *reply.headers]
    if kind:
        headers.append(("content-type", kind))
    headers.append(("content-length", str(len(content))))
    return (
        DISGUISES.get(reply.status, reply.status),
        [_header(name, value) for name, value in headers],
        content,
    )


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode("latin-1"), value.encode("utf-8", "surrogateescape")
