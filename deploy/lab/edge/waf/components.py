"""What the managed rules look at: values as an application would read them. Pure.

They are decoded again where somebody encoded them twice.
AWS's own rules look at the raw component after text transformations; values that the
application takes apart, such as those of a JSON document, are looked at one by one here.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from deploy.lab.edge.waf.fields import leaves
from deploy.lab.edge.waf.requests import Request, text
from deploy.lab.edge.waf.transformations import KNOWN, url_decode

# Encoded more often than this, nobody decodes it.
MOST_DECODINGS = 3
ENCODED = re.compile(r"[\w.~+*()!/-]*%[\w.~+*()!/%-]*")
JSON_STRING = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|$)', re.DOTALL)
MULTIPART = re.compile(r"^--(\S{1,70})\r?\n")
FORM = re.compile(r"[\w.\[\]%+-]+=")
NO_FORM = re.compile(r"[\s{}]")


def readings(value: str) -> Iterator[str]:
    """The value as sent, and as it is after each decoding that changes it.

    What is encoded from end to end says nothing yet: %20or%20 is no condition.
    """
    for _ in range(MOST_DECODINGS):
        yield from _inside(value)
        if not ENCODED.fullmatch(value):
            yield value
        before, value = value, KNOWN["HTML_ENTITY_DECODE"](KNOWN["URL_DECODE_UNI"](value))
        if value == before:
            return
    yield value


def _inside(value: str) -> Iterator[str]:
    """The values of a JSON document that stands where a value is expected."""
    if value.lstrip().startswith(("{", "[")):
        with suppress(ValueError, RecursionError):
            yield from list(leaves(json.loads(value)))


def path(request: Request) -> Iterable[str]:
    """The path, and what it decodes to; its segments, too, may hold a value."""
    made = list(readings(request.path))
    segments = [segment for one in made for segment in one.split("/") if len(segment) > 1]
    return [*made, *segments] if len(segments) > 1 or len(made) > 1 else made


def query(request: Request) -> Iterable[str]:
    """The query string."""
    return readings(request.query) if request.query else ()


def arguments(request: Request) -> Iterable[str]:
    """Names and values of the query."""
    return [part for pair in request.arguments() for raw in pair if raw for part in _decoded(raw)]


def _decoded(raw: str) -> Iterator[str]:
    """What the application gets is decoded once; the raw value is of no interest."""
    return readings(url_decode(raw))


def cookies(request: Request) -> Iterable[str]:
    """The values of all cookies."""
    return [part for _, value in request.cookies() if value for part in readings(value)]


def headers(name: str | None = None) -> Callable[[Request], Iterable[str]]:
    """One header, or all of them."""
    if name:
        return lambda request: [value for key, value in request.headers if key == name]
    return lambda request: [part for _, value in request.headers for part in readings(value)]


def whole_body(request: Request) -> Iterable[str]:
    """The body as it is."""
    return [text(request.body)] if request.body else ()


def body(request: Request) -> Iterable[str]:
    """The values of a JSON document, a form or its parts; else the whole body."""
    if not request.body:
        return ()
    whole = text(request.body)
    return [part for value in _values(whole) for part in readings(value)]


def _values(whole: str) -> Iterable[str]:
    stripped = whole.lstrip()
    if stripped.startswith(("{", "[", '"')):
        try:
            return list(leaves(json.loads(whole)))
        except (ValueError, RecursionError):
            # Cut at the inspection limit, or no JSON after all: what looks like its strings.
            return [whole, *(_unescaped(found[1]) for found in JSON_STRING.finditer(whole))]
    if parts := MULTIPART.match(whole):
        return [
            value.rstrip("\r\n")
            for piece in whole.split("--" + parts[1])
            if (value := re.split(r"\r?\n\r?\n", piece, maxsplit=1)[-1])
        ]
    if FORM.match(stripped) and not NO_FORM.search(stripped.rstrip()):
        pairs = stripped.rstrip().split("&")
        return [url_decode(side) for pair in pairs for side in pair.partition("=")[::2] if side]
    return [whole]


def _unescaped(inside: str) -> str:
    try:
        return str(json.loads(f'"{inside}"'))
    except ValueError:
        return inside
