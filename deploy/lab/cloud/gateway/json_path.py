"""JSONPath as mapping templates use it: members, indexes, wildcards and descent.

API Gateway evaluates with Jayway's JsonPath (https://github.com/json-path/JsonPath). Filters,
slices and functions are refused by name rather than answered wrongly.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

STEP = re.compile(
    r"""
      \.\.(?P<descend>[^.\[\]()?@,:]+|\*)             # ..name
    | \.(?P<member>[^.\[\]()?@,:]+)                   # .name or .*
    | \[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]         # ['name']
    | \[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]         # ["name"]
    | \[\s*(?P<index>-?\d+|\*)\s*\]                   # [0], [-1] or [*]
    """,
    re.VERBOSE | re.DOTALL,
)
Step = tuple[str, str]


class JsonPathError(ValueError):
    """A path that is not JSONPath, or uses what the lab does not evaluate."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"cannot evaluate the JSONPath {path!r}: the lab knows members, indexes, * and .., "
            "not filters, slices or functions"
        )


def find(path: str, document: object) -> list[object]:
    """Every value that a path leads to, in document order.

    >>> find("$.pets[*].name", {"pets": [{"name": "Rex"}, {"name": "Tom"}]})
    ['Rex', 'Tom']
    """
    found = [document]
    for kind, name in _steps(path):
        found = [value for node in found for value in _children(node, kind, name)]
    return found


def is_definite(path: str) -> bool:
    """Whether a path leads to one value at most; others give a list.

    >>> is_definite("$.pets[0].name"), is_definite("$..name")
    (True, False)
    """
    return not any(kind == "descend" or name == "*" for kind, name in _steps(path))


@lru_cache(1024)
def _steps(path: str) -> tuple[Step, ...]:
    rest = path.strip()
    # Without the root it is taken as relative to it.
    rest = rest[1:] if rest.startswith("$") else f".{rest}"
    steps: list[Step] = []
    while rest:
        if (match := STEP.match(rest)) is None:
            raise JsonPathError(path)
        kind = str(match.lastgroup)
        text = match[kind]
        if kind in {"single", "double"}:
            kind, text = "name", re.sub(r"\\(.)", r"\1", text)
        steps.append((kind, text.strip() if kind == "member" else text))
        rest = rest[match.end() :]
    return tuple(steps)


def _children(node: object, kind: str, name: str) -> Iterator[object]:
    if kind == "descend":
        for inner in _descendants(node):
            yield from _children(inner, "member", name)
    elif name == "*" and kind != "name":
        yield from node.values() if isinstance(node, dict) else _items(node)
    elif kind == "index":
        items = list(_items(node))
        if -len(items) <= int(name) < len(items):
            yield items[int(name)]
    elif isinstance(node, dict) and name in node:
        yield node[name]


def _descendants(node: object) -> Iterator[object]:
    yield node
    for child in node.values() if isinstance(node, dict) else _items(node):
        yield from _descendants(child)


def _items(node: object) -> Iterator[object]:
    if isinstance(node, list):
        yield from node
