"""HTTP backends: the request that an integration makes of the client's, and the answer's headers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/setup-http-integrations.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

import httpx2

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import gateway_responses
from deploy.lab.cloud.gateway.exchange import (
    Answer,
    GatewayError,
    Pairs,
    Request,
    wrong_configuration,
)
from deploy.lab.cloud.gateway.mapping import Prepared

# They belong to one connection, or to the gateway.
# https://www.rfc-editor.org/rfc/rfc9110#name-connection
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
NOT_FORWARDED = HOP_BY_HOP | {"host", "content-length", "expect"}
# What an integration says in these reaches the client under x-amzn-Remapped-….
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
REMAPPED = frozenset(
    {"connection", "content-length", "date", "server", "www-authenticate", "x-amzn-requestid"}
)
VARIABLE = re.compile(r"\$\{stageVariables\.(\w+)\}")
PATH_PARAMETER = re.compile(r"\{([^{}]+?)\+?\}")


@dataclass(frozen=True)
class Outgoing:
    """A request to a backend."""

    method: str
    url: str
    headers: Pairs
    body: bytes


def outgoing(
    integration: Json,
    request: Request,
    context: Mapping[str, object],
    stage_variables: Mapping[str, object],
    *,
    trace: str,
) -> Outgoing:
    """The request that an HTTP_PROXY integration makes.

    All headers and parameters of the client go along; mapped ones are added, or replace those of
    their name. What the URI leaves open is filled from mapped path parameters.
    """
    mapped: dict[str, dict[str, str]] = {"header": {}, "path": {}, "querystring": {}}
    for target, source in (integration.get("requestParameters") or {}).items():
        _, _, kind, name = str(target).split(".", 3)
        if value := parameter(str(source), request, context, stage_variables):
            mapped[kind][name] = value
    uri = with_stage_variables(str(integration.get("uri") or ""), stage_variables)
    uri = PATH_PARAMETER.sub(lambda found: _quoted(mapped["path"].get(found[1], "")), uri)
    query = [pair for pair in request.query if pair[0] not in mapped["querystring"]]
    query += mapped["querystring"].items()
    verb = str(integration.get("httpMethod") or "ANY")
    return Outgoing(
        method=request.method if verb == "ANY" else verb,
        url=_with_query(uri, query),
        headers=_headers(request, mapped["header"], str(context.get("apiId")), trace),
        body=request.body,
    )


def prepared(request: Prepared, *, trace: str) -> Outgoing:
    """The request that a mapped (HTTP) integration makes: what was mapped, and nothing else."""
    integration, stage_variables = request.integration, request.surroundings.stage_variables
    uri = with_stage_variables(str(integration.get("uri") or ""), stage_variables)
    uri = PATH_PARAMETER.sub(lambda found: _quoted(request.path.get(found[1], "")), uri)
    verb = str(integration.get("httpMethod") or "ANY")
    api_id = str(request.surroundings.context.get("apiId"))
    own = (
        ("User-Agent", f"AmazonAPIGateway_{api_id}"),
        ("X-Amzn-Trace-Id", trace),
        ("x-amzn-apigateway-api-id", api_id),
    )
    return Outgoing(
        method=request.request.method if verb == "ANY" else verb,
        url=_with_query(uri, request.query),
        headers=(*own, *request.headers),
        body=request.body,
    )


def _quoted(value: str) -> str:
    """A part of a path: what is encoded stays so, and nothing in it begins a query."""
    return quote(value, safe="/%:@!$&'()*+,;=~")


def _with_query(uri: str, query: Iterable[tuple[str, str]]) -> str:
    encoded = urlencode(list(query))
    return uri + ("&" if "?" in uri else "?") + encoded if encoded else uri


def with_stage_variables(uri: str, stage_variables: Mapping[str, object]) -> str:
    """A URI with its stage variables filled in.

    >>> with_stage_variables("http://${stageVariables.host}/a", {"host": "h"})
    'http://h/a'
    """
    return VARIABLE.sub(lambda found: str(stage_variables.get(found[1], "")), uri)


def parameter(
    source: str,
    request: Request,
    context: Mapping[str, object],
    stage_variables: Mapping[str, object],
) -> str:
    """A mapped parameter's value: `'fixed'`, or from the request, the context, the stage."""
    if source.startswith("'") and source.endswith("'"):
        return source[1:-1]
    if source == "method.request.body":
        return request.body.decode("utf-8", "replace")
    return gateway_responses.look_up(source, request, context, stage_variables)


def _headers(request: Request, mapped: Mapping[str, str], api_id: str, trace: str) -> Pairs:
    replaced = {name.lower() for name in mapped} | {"x-amzn-trace-id", "x-amzn-apigateway-api-id"}
    kept = [
        (name, value)
        for name, value in request.headers
        if name.lower() not in NOT_FORWARDED | replaced
    ]
    own = [("X-Amzn-Trace-Id", trace), ("x-amzn-apigateway-api-id", api_id)]
    return (*kept, *mapped.items(), *own)


def returned(headers: Pairs) -> Pairs:
    """Headers of an integration as the client sees them.

    >>> returned((("Server", "uvicorn"), ("Keep-Alive", "5"), ("X", "1")))
    (('x-amzn-Remapped-Server', 'uvicorn'), ('X', '1'))
    """
    return tuple(
        (f"x-amzn-Remapped-{name}" if name.lower() in REMAPPED else name, value)
        for name, value in headers
        if name.lower() not in HOP_BY_HOP - REMAPPED
    )


class Backends:
    """One HTTP client for all of them: connections are kept, and none waits for another."""

    def __init__(self) -> None:
        self._client: httpx2.AsyncClient | None = None

    async def send(self, request: Outgoing) -> Answer:
        """Send it and read the whole answer, as it is on the wire.

        Raises:
            GatewayError: 504 when nobody answers there, 500 when it is no address.
        """
        if urlsplit(request.url).scheme not in {"http", "https"}:
            raise wrong_configuration(f"{request.url} is no address")
        client = self._client = self._client or _client()
        # Made by hand, for a client adds headers of its own to what it builds.
        made = httpx2.Request(
            request.method,
            request.url,
            headers=[(name.encode(), value.encode()) for name, value in request.headers],
            content=request.body or None,
        )
        try:
            response = await client.send(made, stream=True)
            try:
                # Not decoded: what the backend compressed stays so.
                body = b"".join([chunk async for chunk in response.aiter_raw()])
            finally:
                await response.aclose()
        except httpx2.InvalidURL:
            raise wrong_configuration(f"{request.url} is no address") from None
        except httpx2.TransportError:
            message = "Network error communicating with endpoint"
            raise GatewayError("INTEGRATION_FAILURE", message) from None
        pairs = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers.raw)
        return Answer(response.status_code, pairs, body)


def _client() -> httpx2.AsyncClient:
    """Without limits and time limits of its own: those are the gateway's."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx2.AsyncClient(limits=limits, timeout=None, follow_redirects=False, trust_env=False)
