"""What a function returns to a load balancer, read strictly. Pure.

The format is that of "Respond to the load balancer", read 2026-11:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
Where that page is silent, what users of AWS saw decides, and the comment says so.
"""

import base64
import binascii
import re
from dataclasses import dataclass

# "Troubleshoot your Application Load Balancers", HTTP 502, read 2026-11.
MAX_HEADER_BYTES = 32 * 1024
# Seen by users wherever a function names no type; not documented.
# https://github.com/aws/serverless-java-container/issues/347
DEFAULT_TYPE = "application/octet-stream"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\uffff]*\Z")
# "The load balancer does not honor hop-by-hop headers", and computes the length itself.
_NOT_TAKEN_OVER = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_STATUSES = range(200, 600)

Headers = tuple[tuple[str, str], ...]


class MalformedAnswerError(ValueError):
    """The function's answer is no HTTP answer: AWS calls it LambdaInvalidResponse."""


@dataclass(frozen=True)
class Answer:
    """An answer as it goes to the client."""

    status: int
    headers: Headers
    body: bytes


def answer(returned: object, *, multi_value: bool) -> Answer:
    """Read what a function returned.

    `statusDescription` is not looked at: the lab writes the usual words for each status.

    Raises:
        MalformedAnswerError: it breaks the format; the client gets 502.
    """
    if not isinstance(returned, dict):
        raise MalformedAnswerError("it is no object")
    status = returned.get("statusCode")
    if not isinstance(status, int) or isinstance(status, bool) or status not in _STATUSES:
        raise MalformedAnswerError(f"statusCode is {status!r}, no number from 200 to 599")
    headers = _headers(returned, multi_value=multi_value)
    if sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEADER_BYTES:
        raise MalformedAnswerError("the headers are longer than 32 K")
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (*headers, ("content-type", DEFAULT_TYPE))
    return Answer(status, headers, _body(returned))


def _headers(returned: dict[str, object], *, multi_value: bool) -> Headers:
    """Under the name that the target group's setting wants; the other is passed over.

    So users saw it: a type set under the wrong name arrives as the default one
    (serverless-java-container 347, serverless-http 283), and `null` under the right one is 502
    (aws-lambda-go-api-proxy 79), as is a value that is no string (lambda-api 117).
    """
    name, other = "headers", "multiValueHeaders"
    if multi_value:
        name, other = other, name
    if name not in returned:
        if other not in returned:
            raise MalformedAnswerError(f"{name} is missing")
        return ()
    given = returned[name]
    if not isinstance(given, dict):
        raise MalformedAnswerError(f"{name} is no object")
    pairs = [
        (key, value)
        for key, values in given.items()
        for value in (_listed(key, values) if multi_value else [values])
    ]
    for key, value in pairs:
        if not _TOKEN.match(key) or not isinstance(value, str) or not _VALUE.match(value):
            raise MalformedAnswerError(f"{key!r}: {value!r} is no header")
    return tuple((key, value) for key, value in pairs if key.lower() not in _NOT_TAKEN_OVER)


def _listed(name: str, values: object) -> list[str]:
    if not isinstance(values, list):
        raise MalformedAnswerError(f"{name} is no list of values")
    return values


def _body(returned: dict[str, object]) -> bytes:
    body = returned.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswerError("the body is no string")
    match returned.get("isBase64Encoded", False):
        case True:
            try:
                return base64.b64decode(body, validate=True)
            except (binascii.Error, ValueError) as error:
                raise MalformedAnswerError("the body is no Base64") from error
        case False:
            return body.encode("utf-8", "surrogatepass")
        case other:
            raise MalformedAnswerError(f"isBase64Encoded is {other!r}")
