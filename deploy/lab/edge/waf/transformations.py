"""Text transformations by AWS's names: what undoes an attacker's disguise before a look. Pure.

AWS: "Using text transformations in AWS WAF" (November 2026).
"""

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import unquote_plus

from deploy.lab.edge.waf.requests import UnsupportedError
from deploy.lab.edge.wanted import Json

Transformation = Callable[[str], str]

_COMMENT = re.compile(r"/\*.*?(\*/|$)", re.DOTALL)
_JS = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_JS_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}
_CSS = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n]?|(.))", re.DOTALL)
_UNICODE = re.compile(r"%u([0-9a-fA-F]{4})")


def url_decode(value: str) -> str:
    """Undo percent-encoding once, and turn + into a space."""
    return unquote_plus(value, errors="surrogateescape") if "%" in value or "+" in value else value


def _url_decode_uni(value: str) -> str:
    return url_decode(_UNICODE.sub(lambda found: chr(int(found[1], 16)), value))


def _css_decode(value: str) -> str:
    return _CSS.sub(lambda found: _character(int(found[1], 16)) if found[1] else found[2], value)


def _character(number: int) -> str:
    return chr(number) if number < 0x110000 else "\ufffd"  # noqa: PLR2004 - Unicode's end


def _js_decode(value: str) -> str:
    def undo(found: re.Match[str]) -> str:
        four, two, octal, short = found.groups()
        if four or two:
            return chr(int(four or two, 16))
        return chr(int(octal, 8)) if octal else _JS_SHORT.get(short, short)

    return _JS.sub(undo, value)


def _compress(value: str) -> str:
    return re.sub(r"[ \t\n\r\f\v\xa0]+", " ", value)


def _cmd_line(value: str) -> str:
    """What a shell would ignore goes: quotes, carets, double spaces; one case."""
    value = re.sub(r"[\\\"'^]", "", value)
    value = re.sub(r"[\s,;]+", " ", value)
    return re.sub(r" ([/(])", r"\1", value).lower()


def _base64(value: str) -> str:
    try:
        padded = value + "=" * (-len(value) % 4)
        return base64.b64decode(padded, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return value


def _base64_lenient(value: str) -> str:
    return _base64(re.sub(r"[^A-Za-z0-9+/]", "", value))


def _hex(value: str) -> str:
    try:
        return bytes.fromhex(value).decode("utf-8", "surrogateescape")
    except ValueError:
        return value


def _normalize(value: str) -> str:
    """Resolve `.`, `..` and doubled slashes."""
    kept: list[str] = []
    for part in value.split("/"):
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part not in {"", "."}:
            kept.append(part)
    path = ("/" if value.startswith("/") else "") + "/".join(kept)
    return path + ("/" if value.endswith("/") and not path.endswith("/") else "")


def _normalize_windows(value: str) -> str:
    return _normalize(value.replace("\\", "/"))


KNOWN: dict[str, Transformation] = {
    "NONE": str,
    "BASE64_DECODE": _base64,
    "BASE64_DECODE_EXT": _base64_lenient,
    "CMD_LINE": _cmd_line,
    "COMPRESS_WHITE_SPACE": _compress,
    "CSS_DECODE": _css_decode,
    "HEX_DECODE": _hex,
    "HTML_ENTITY_DECODE": html.unescape,
    "JS_DECODE": _js_decode,
    "LOWERCASE": str.lower,
    "NORMALIZE_PATH": _normalize,
    "NORMALIZE_PATH_WIN": _normalize_windows,
    "REMOVE_NULLS": lambda value: value.replace("\0", ""),
    "REPLACE_COMMENTS": lambda value: _COMMENT.sub(" ", value),
    "REPLACE_NULLS": lambda value: value.replace("\0", " "),
    "URL_DECODE": url_decode,
    "URL_DECODE_UNI": _url_decode_uni,
}


def chain(given: Iterable[Json]) -> Transformation:
    """Apply all of them, the lowest priority first.

    Raises:
        UnsupportedError: One of them is not done here.
    """
    names = [str(one["Type"]) for one in sorted(given, key=lambda one: int(one.get("Priority", 0)))]
    if missing := [name for name in names if name not in KNOWN]:
        raise UnsupportedError(f"the text transformation {missing[0]}")
    return of([KNOWN[name] for name in names if name != "NONE"])


def of(steps: Sequence[Transformation]) -> Transformation:
    """One function after the other."""

    def apply(value: str) -> str:
        for step in steps:
            value = step(value)
        return value

    return apply
