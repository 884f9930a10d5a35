"""The functions of `$util`, character by character as the Java libraries behind them."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from deploy.lab.cloud.gateway.java_values import from_json, java_text

SHORT = {"\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r"}
PLAIN_FROM, PLAIN_TO = 0x20, 0x7F
ONE_UNIT = 0xFFFF


def escape_java_script(value: object) -> str:
    r"""`StringEscapeUtils.escapeJavaScript` of Commons Lang 2: not valid JSON for a `'`.

    AWS says so and gives the cure, `.replaceAll("\\'", "'")`.

    >>> print(escape_java_script("it's \"a/b\"\n é"))
    it\'s \"a\/b\"\n \u00E9
    """
    return "".join(_escaped(character) for character in java_text(value))


def _escaped(character: str) -> str:
    if character in "'\"\\/":
        return f"\\{character}"
    if character in SHORT:
        return SHORT[character]
    code = ord(character)
    if PLAIN_FROM <= code < PLAIN_TO:
        return character
    if code <= ONE_UNIT:
        return f"\\u{code:04X}"
    units = character.encode("utf-16-be")  # Java's text is UTF-16
    return f"\\u{units[:2].hex().upper()}\\u{units[2:].hex().upper()}"


def url_encode(value: object) -> str:
    """`URLEncoder.encode` in UTF-8: a blank is `+`, and `*` stays.

    >>> url_encode("a b*~&DelaySeconds=900")
    'a+b*%7E%26DelaySeconds%3D900'
    """
    encoded = java_text(value).encode(errors="replace")
    return quote_plus(encoded, safe="*").replace("~", "%7E")


def url_decode(value: object) -> str:
    """`URLDecoder.decode` in UTF-8."""
    return unquote_plus(java_text(value))


def base64_encode(value: object) -> str:
    """Base64 of the text in UTF-8."""
    return base64.b64encode(java_text(value).encode(errors="replace")).decode()


def base64_decode(value: object) -> str:
    """The text, read as UTF-8.

    Raises:
        ValueError: it is not base64.
    """
    return base64.b64decode(java_text(value), validate=True).decode(errors="replace")


def parse_json(value: object) -> object:
    """What the JSON in a text says.

    Raises:
        ValueError: it is not JSON.
    """
    return from_json(java_text(value))


FUNCTIONS: dict[str, Callable[[Any], object]] = {
    "escapeJavaScript": escape_java_script,
    "urlEncode": url_encode,
    "urlDecode": url_decode,
    "base64Encode": base64_encode,
    "base64Decode": base64_decode,
    "parseJson": parse_json,
}
