"""A request as an event for a function, and a function's answer as an answer. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Pairs, Request
from deploy.lab.cloud.gateway.payloads import is_binary, media_type

ANSWER_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
# What `requestContext` has of `$context`.
IN_EVENT = (
    "accountId",
    "apiId",
    "authorizer",
    "deploymentId",
    "domainName",
    "domainPrefix",
    "extendedRequestId",
    "httpMethod",
    "identity",
    "path",
    "protocol",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "resourceId",
    "resourcePath",
    "stage",
)


def event(
    request: Request,
    context: Mapping[str, object],
    stage_variables: Mapping[str, object],
    binary_media_types: Iterable[str],
) -> Json:
    """The input of a Lambda proxy integration (payload format 1.0)."""
    body, encoded = _event_body(request, binary_media_types)
    return {
        "resource": request.resource_path,
        "path": request.path,
        "httpMethod": request.method,
        **multi_values(request),
        "pathParameters": dict(request.path_parameters) or None,
        "stageVariables": dict(stage_variables) or None,
        "requestContext": {key: context[key] for key in IN_EVENT if key in context},
        "body": body,
        "isBase64Encoded": encoded,
    }


def multi_values(request: Request) -> Json:
    """Headers and query, each twice: the last value of a name, and all of them."""
    return {
        "headers": dict(request.headers) or None,
        "multiValueHeaders": _lists(request.headers),
        "queryStringParameters": dict(request.query) or None,
        "multiValueQueryStringParameters": _lists(request.query),
    }


def answer(payload: object, accept: str | None, binary_media_types: Iterable[str]) -> Answer:
    """What a function returned, as the client gets it.

    Raises:
        GatewayError: 502, when it is not in the one format that API Gateway takes.
    """
    if not isinstance(payload, dict) or payload.keys() - ANSWER_KEYS:
        raise malformed()
    body, single = payload.get("body"), payload.get("headers") or {}
    multi = payload.get("multiValueHeaders") or {}
    if not (isinstance(single, dict) and isinstance(multi, dict)):
        raise malformed()
    if not (body is None or isinstance(body, str)):
        raise malformed()
    headers = _answer_headers(single, multi)
    content = (body or "").encode()
    if payload.get("isBase64Encoded") and is_declared(accept, binary_media_types):
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error:
            raise malformed() from None
    return Answer(_status(payload.get("statusCode")), headers, content)


def malformed() -> GatewayError:
    """502: the function answered, and nobody can tell what."""
    return GatewayError("DEFAULT_5XX", "Internal server error", status=502)


def is_declared(header: str | None, binary_media_types: Iterable[str]) -> bool:
    """Whether a Content-Type, or the first of an Accept, is there and among the binary types.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/lambda-proxy-binary-media.html
    """
    return bool(header) and is_binary(media_type(header), binary_media_types)


def _event_body(request: Request, binary: Iterable[str]) -> tuple[str | None, bool]:
    if not request.body:
        return None, False
    if is_declared(request.header("Content-Type"), binary):
        return base64.b64encode(request.body).decode(), True
    return request.body.decode("utf-8", "replace"), False


def _lists(pairs: Pairs) -> dict[str, list[str]] | None:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found or None


def _status(given: object) -> int:
    """The status, 200 when there is none; a number in text is taken too."""
    try:
        status = int(str(given)) if given is not None else 200
    except ValueError:
        raise malformed() from None
    if not 100 <= status <= 599:  # noqa: PLR2004 - what a status can be
        raise malformed()
    return status


def _answer_headers(single: Mapping[str, Any], multi: Mapping[str, Any]) -> Pairs:
    """Both kinds merged; of a name that is in both, the several values count."""
    several = {name.lower() for name in multi}
    pairs = [(name, _text(value)) for name, value in single.items() if name.lower() not in several]
    for name, values in multi.items():
        if not isinstance(values, list):
            raise malformed()
        pairs += [(name, _text(value)) for value in values]
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", "application/json"))
    return tuple(pairs)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise malformed()
    return str(value)
