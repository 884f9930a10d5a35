"""The event in which a load balancer tells a function of a request. Pure.

Rules and formats: "Use Lambda functions as targets of an Application Load Balancer", read
2026-11, and events that others captured and published.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from deploy.lab.cloud.border import Json

# "For the following types, the load balancer sends the body as is."
_AS_IT_IS = re.compile(r"(text/.*|application/(json|javascript|xml))\Z")

# Between two hops only: RFC 9110, 7.6.1. The load balancer ends one connection and has no other.
_HOP_BY_HOP = frozenset({"keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"})


class NotTextError(ValueError):
    """The request holds bytes that JSON cannot: AWS calls it LambdaBadRequest."""


@dataclass(frozen=True)
class Request:
    """A request as it came: path and query undecoded, each header line by itself."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


def event(request: Request, target_group_arn: str, *, multi_value: bool) -> Json:
    """Describe a request to a function.

    With `multi_value` every header and parameter is a list; without, the last value wins.

    Raises:
        NotTextError: a body that goes as it is, is no UTF-8.
    """
    headers = _gathered(
        (name.lower(), value) for name, value in request.headers if not _is_hop_by_hop(name)
    )
    parameters = _gathered(pair.partition("=")[::2] for pair in request.query.split("&") if pair)
    body, in_base64 = _body(request.body, headers)
    described = (
        {"multiValueQueryStringParameters": parameters, "multiValueHeaders": headers}
        if multi_value
        else {"queryStringParameters": _last(parameters), "headers": _last(headers)}
    )
    return {
        "requestContext": {"elb": {"targetGroupArn": target_group_arn}},
        "httpMethod": request.method,
        "path": request.path,
        **described,
        "body": body,
        "isBase64Encoded": in_base64,
    }


def _gathered(pairs: Iterable[tuple[str, ...]]) -> dict[str, list[str]]:
    """Values by name, in the order in which they came."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _last(values: dict[str, list[str]]) -> dict[str, str]:
    return {name: each[-1] for name, each in values.items()}


def _is_hop_by_hop(name: str) -> bool:
    return name.lower() in _HOP_BY_HOP


def _body(body: bytes, headers: dict[str, list[str]]) -> tuple[str, bool]:
    """The body as a string, and whether that is Base64.

    Without a body both types of events that others captured say `false`, whatever the type.
    """
    if not body:
        return "", False
    media_type = headers.get("content-type", [""])[-1].partition(";")[0].strip().lower()
    if "content-encoding" in headers or not _AS_IT_IS.match(media_type):
        return base64.b64encode(body).decode("ascii"), True
    try:
        return body.decode(), False
    except UnicodeDecodeError as error:
        raise NotTextError(f"the body says it is {media_type} and is no UTF-8") from error
