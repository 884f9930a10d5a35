"""Values as templates see them: Java's text of them, and the methods that they have.

API Gateway runs templates on Apache Velocity, so `$list.size()` calls Java's method and a map
prints as Java prints it. Python's own methods are not reachable from a template.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# Java writes other doubles with an exponent.
PLAIN_FROM, PLAIN_BELOW = 1e-3, 1e7


class JsonList(list[Any]):
    """An array out of JSON; unlike a list made in a template it prints as JSON."""


@dataclass(frozen=True)
class Entry:
    """One pair of a map's entry set."""

    key: object
    value: object


def from_json(text: str) -> object:
    """Parse JSON into what a template handles.

    Raises:
        ValueError: it is not JSON.
    """
    return wrapped(json.loads(text))


def wrapped(value: object) -> object:
    """A parsed JSON document with its arrays marked as such."""
    if isinstance(value, dict):
        return {key: wrapped(item) for key, item in value.items()}
    return JsonList(wrapped(item) for item in value) if isinstance(value, list) else value


def json_text(value: object) -> str:
    """Compact JSON, as the Java library of API Gateway writes it.

    >>> json_text({"a": [1, "é", None]})
    '{"a":[1,"é",null]}'
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def java_text(value: object) -> str:
    """What Java's `toString` gives; maps are not JSON, but arrays of JSON inside them are.

    >>> java_text({"a": 1, "b": JsonList([{"c": True}])})
    '{a=1, b=[{"c":true}]}'
    """
    for kind, text in TEXTS:
        if isinstance(value, kind):
            return text(value)
    return str(value)


def _double(value: float) -> str:
    """Java's `Double.toString`.

    >>> _double(249.99), _double(1e10), _double(0.0001)
    ('249.99', '1.0E10', '1.0E-4')
    """
    if value == 0 or PLAIN_FROM <= abs(value) < PLAIN_BELOW:
        return repr(value)
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    shown = "".join(map(str, digits)).rstrip("0") or "0"
    exponent = Decimal(repr(value)).adjusted()
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{exponent}"


def equal(left: object, right: object) -> bool:
    """Velocity's `==`: of different types their texts are compared.

    >>> equal(1, 1.0), equal("1", 1), equal(None, "")
    (True, True, False)
    """
    if left is None or right is None:
        return left is right
    same = type(left) is type(right) or (_is_number(left) and _is_number(right))
    return left == right if same else java_text(left) == java_text(right)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def call(value: object, method: str, arguments: list[Any]) -> object:
    """Call a method of Java's on a value; nothing when it has no such method.

    Velocity leaves a reference in the text when a method is missing or fails.
    """
    for kind, methods in METHODS:
        if isinstance(value, kind) and method in methods:
            try:
                return methods[method](value, *arguments)
            except (IndexError, KeyError, TypeError, ValueError, re.error):
                return None
    return None


def replace_all(text: str, pattern: str, replacement: str, count: int = 0) -> str:
    r"""Java's `String.replaceAll`: `$1` is a group and a backslash protects what follows.

    >>> replace_all(r"it\'s", r"\\'", "'")
    "it's"
    """

    def expand(match: re.Match[str]) -> str:
        def piece(part: re.Match[str]) -> str:
            return part["plain"] or match[int(part["group"])] or ""

        return re.sub(r"\\(?P<plain>.)|\$(?P<group>\d)", piece, replacement, flags=re.DOTALL)

    return re.sub(pattern, expand, text, count=count)


def _split(text: str, pattern: str) -> list[str]:
    parts = re.split(pattern, text)
    while len(parts) > 1 and not parts[-1]:  # Java drops what is empty at the end
        parts.pop()
    return parts


def _put(target: dict[str, object], key: str, value: object) -> object:
    before = target.get(key)
    target[key] = value
    return before


def _set(target: list[object], index: int, value: object) -> object:
    before = target[index]
    target[index] = value
    return before


Methods = dict[str, Callable[..., Any]]

OF_STRINGS: Methods = {
    "length": lambda s: len(s.encode("utf-16-le", errors="surrogatepass")) // 2,
    "isEmpty": lambda s: not s,
    "equalsIgnoreCase": lambda s, other: s.lower() == str(other).lower(),
    "contains": lambda s, part: part in s,
    "startsWith": lambda s, part: s.startswith(part),
    "endsWith": lambda s, part: s.endswith(part),
    "indexOf": lambda s, part, start=0: s.find(part, start),
    "lastIndexOf": lambda s, part: s.rfind(part),
    "substring": lambda s, start, end=None: s[start:end],
    "concat": lambda s, other: s + other,
    "replace": lambda s, old, new: s.replace(old, new),
    "replaceAll": replace_all,
    "replaceFirst": lambda s, pattern, new: replace_all(s, pattern, new, 1),
    "matches": lambda s, pattern: re.fullmatch(pattern, s) is not None,
    "split": _split,
    "toLowerCase": lambda s: s.lower(),
    "toUpperCase": lambda s: s.upper(),
    "trim": lambda s: s.strip(),
}
OF_MAPS: Methods = {
    "size": len,
    "isEmpty": lambda m: not m,
    "get": lambda m, key: m.get(key),
    "getOrDefault": lambda m, key, default: m.get(key, default),
    "put": _put,
    "putAll": lambda m, other: m.update(other),
    "remove": lambda m, key: m.pop(key, None),
    "containsKey": lambda m, key: key in m,
    "containsValue": lambda m, value: value in m.values(),
    "keySet": list,
    "values": lambda m: list(m.values()),
    "entrySet": lambda m: [Entry(key, value) for key, value in m.items()],
}
OF_LISTS: Methods = {
    "size": len,
    "isEmpty": lambda items: not items,
    "get": lambda items, index: items[index],
    "contains": lambda items, item: item in items,
    "indexOf": lambda items, item: items.index(item) if item in items else -1,
    "add": lambda items, item: items.append(item) or True,
    "addAll": lambda items, more: items.extend(more) or True,
    "set": _set,
    "remove": lambda items, index: items.pop(index),
}
OF_NUMBERS: Methods = {"intValue": int, "longValue": int, "doubleValue": float}
OF_ENTRIES: Methods = {"getKey": lambda e: e.key, "getValue": lambda e: e.value}
OF_ALL: Methods = {"toString": java_text, "equals": equal}

METHODS: tuple[tuple[type[object], Methods], ...] = (
    (str, OF_STRINGS),
    (dict, OF_MAPS),
    (list, OF_LISTS),
    (int, OF_NUMBERS),
    (float, OF_NUMBERS),
    (Entry, OF_ENTRIES),
    (object, OF_ALL),
)

# The first kind that fits; bool is an int of Python's.
TEXTS: tuple[tuple[type[object], Callable[[Any], str]], ...] = (
    (type(None), lambda _: "null"),
    (bool, lambda value: "true" if value else "false"),
    (float, _double),
    (JsonList, json_text),
    (Entry, lambda entry: f"{java_text(entry.key)}={java_text(entry.value)}"),
    (dict, lambda m: "{" + ", ".join(f"{k}={java_text(v)}" for k, v in m.items()) + "}"),
    (list, lambda items: "[" + ", ".join(java_text(item) for item in items) + "]"),
    (range, lambda items: java_text(list(items))),
)
