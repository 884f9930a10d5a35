"""FieldToMatch: which parts of a request a statement looks at. Pure.

AWS: "Request components in AWS WAF" and "Oversize web request components" (November 2026).
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from deploy.lab.edge.waf.requests import (
    HEADERS_LIMIT,
    HEADERS_LIMIT_BYTES,
    Request,
    UnsupportedError,
    only,
    size,
    text,
    the_one,
)
from deploy.lab.edge.wanted import Json

# The parts to look at, or the answer itself when a component is larger than is handed over.
Parts = Callable[[Request], Iterable[str] | bool]

OVERSIZE = {"CONTINUE": None, "MATCH": True, "NO_MATCH": False}
SCOPES = {"ALL", "KEY", "VALUE"}


def parts(field: Json) -> Parts:  # noqa: PLR0911, C901 - one case for each kind that AWS has
    """Translate a FieldToMatch.

    Raises:
        UnsupportedError: The lab does not look there.
    """
    kind = the_one(field, "a FieldToMatch")
    given: Json = field[kind] or {}
    match kind:
        case "Method":
            return lambda request: [request.method]
        case "UriPath":
            return lambda request: [request.path]
        case "QueryString":
            return lambda request: [request.query]
        case "AllQueryArguments":
            return lambda request: [part for pair in request.arguments() for part in pair if part]
        case "SingleQueryArgument":
            name = given["Name"].lower()
            return lambda request: [
                value for key, value in request.arguments() if key.lower() == name
            ]
        case "SingleHeader":
            header = given["Name"].lower()
            return lambda request: [value for key, value in request.headers if key == header]
        case "Headers":
            return _pairs(given, lambda request: request.headers, "Headers")
        case "Cookies":
            return _pairs(given, lambda request: tuple(request.cookies()), "Cookies")
        case "Body":
            only(given, {"OversizeHandling"}, "a Body to match")
            return _body(_oversize(given, default="CONTINUE"), lambda body: [text(body)])
        case "JsonBody":
            return _json_body(given)
        case _:
            raise UnsupportedError(f"a FieldToMatch {kind}")


def _oversize(given: Json, *, default: str = "") -> bool | None:
    handling = given.get("OversizeHandling", default)
    if handling not in OVERSIZE:
        raise UnsupportedError(f"OversizeHandling {handling!r}")
    return OVERSIZE[handling]


def _body(oversize: bool | None, read: Callable[[bytes], Iterable[str] | bool]) -> Parts:  # noqa: FBT001 - three states
    def look(request: Request) -> Iterable[str] | bool:
        if request.body_is_cut and oversize is not None:
            return oversize
        return read(request.body)

    return look


@dataclass(frozen=True)
class _Chosen:
    """A MatchPattern over names, and which side of each pair counts."""

    only: frozenset[str] | None
    without: frozenset[str]
    scope: str

    def of(self, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
        for key, value in pairs:
            name = key.lower()
            if (self.only is not None and name not in self.only) or name in self.without:
                continue
            if self.scope != "VALUE":
                yield key
            if self.scope != "KEY":
                yield value


def _pairs(given: Json, read: Callable[[Request], tuple[tuple[str, str], ...]], kind: str) -> Parts:
    only(given, {"MatchPattern", "MatchScope", "OversizeHandling"}, kind)
    oversize, scope = _oversize(given), given["MatchScope"]
    if scope not in SCOPES:
        raise UnsupportedError(f"{kind} with the MatchScope {scope}")
    pattern: Json = given["MatchPattern"]
    match the_one(pattern, f"a MatchPattern of {kind}"):
        case "All":
            chosen = _Chosen(None, frozenset(), scope)
        case "IncludedHeaders" | "IncludedCookies" as key:
            chosen = _Chosen(_lower(pattern[key]), frozenset(), scope)
        case "ExcludedHeaders" | "ExcludedCookies" as key:
            chosen = _Chosen(None, _lower(pattern[key]), scope)
        case key:
            raise UnsupportedError(f"{kind} with the MatchPattern {key}")

    def look(request: Request) -> Iterable[str] | bool:
        pairs = read(request)
        sizes = sum(size(key) + size(value) for key, value in pairs)
        too_large = len(pairs) > HEADERS_LIMIT or sizes > HEADERS_LIMIT_BYTES
        if too_large and oversize is not None:
            return oversize
        return chosen.of(pairs[:HEADERS_LIMIT] if too_large else pairs)

    return look


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _json_body(given: Json) -> Parts:
    known = {"MatchPattern", "MatchScope", "InvalidFallbackBehavior", "OversizeHandling"}
    only(given, known, "a JsonBody")
    scope, pattern = given["MatchScope"], given["MatchPattern"]
    if scope not in SCOPES:
        raise UnsupportedError(f"a JsonBody with the MatchScope {scope}")
    paths: list[str] | None = None
    if the_one(pattern, "a MatchPattern of a JsonBody") == "IncludedPaths":
        paths = list(pattern["IncludedPaths"])
    fallback = given.get("InvalidFallbackBehavior")
    if fallback not in {None, "EVALUATE_AS_STRING", "MATCH", "NO_MATCH"}:
        raise UnsupportedError(f"the InvalidFallbackBehavior {fallback}")

    def read(body: bytes) -> Iterable[str] | bool:
        try:
            document = json.loads(body)
            roots = [document] if paths is None else [_at(document, path) for path in paths]
            return [part for root in roots for part in leaves(root, scope)]
        except (ValueError, RecursionError):
            if fallback == "EVALUATE_AS_STRING":
                return [text(body)]
            return fallback == "MATCH"

    return _body(_oversize(given, default="CONTINUE"), read)


def _at(document: Any, path: str) -> Any:  # noqa: ANN401 - any JSON
    """What a JSON pointer leads to; nothing when it leads nowhere."""
    for step in path.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(key, {})
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return {}
    return document


def leaves(document: Any, scope: str = "ALL") -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Keys and values of a JSON document, as text."""
    if isinstance(document, dict):
        for key, value in document.items():
            if scope != "VALUE":
                yield key
            yield from leaves(value, scope)
    elif isinstance(document, list):
        for value in document:
            yield from leaves(value, scope)
    elif scope != "KEY" and document is not None:
        yield document if isinstance(document, str) else json.dumps(document)
