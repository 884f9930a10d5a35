"""Media types, and what becomes of bytes on their way through the gateway. Pure."""

import base64
import binascii
from collections.abc import Iterable

from deploy.lab.cloud.gateway.exchange import wrong_configuration

JSON_TYPE = "application/json"


def media_type(header: str | None) -> str:
    """The type alone of a Content-Type or of the first of Accept; absent it is JSON.

    >>> media_type("Text/Plain; charset=utf-8"), media_type(None)
    ('text/plain', 'application/json')
    """
    first = (header or "").split(",", 1)[0].split(";", 1)[0].strip().lower()
    return first or JSON_TYPE


def is_binary(kind: str, declared: Iterable[str]) -> bool:
    """Whether a media type is among those that the API declares as binary.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html

    >>> is_binary("image/png", ["image/*"]), is_binary("*/*", ["image/png"])
    (True, False)
    """
    # In paths of the API's own updates a slash is written ~1.
    patterns = {pattern.replace("~1", "/").lower() for pattern in declared}
    return bool(patterns & {kind, f"{kind.partition('/')[0]}/*", "*/*"})


def decoded(body: bytes) -> bytes:
    """Text that holds base64, as bytes.

    Raises:
        GatewayError: 500, it does not.
    """
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise wrong_configuration("CONVERT_TO_BINARY needs base64") from error


def as_text(body: bytes) -> bytes:
    """What is left of bytes that go through API Gateway as text: each that is not UTF-8 is lost."""
    return body.decode(errors="replace").encode()
