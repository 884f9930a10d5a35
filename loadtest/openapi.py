"""Does an answer keep what the OpenAPI document promises? Pure.

Knows the part of JSON Schema that FastAPI writes. A keyword it does not know is reported as a
problem: a promise must not pass because nobody looked.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
Problems: TypeAlias = Iterator[str]

TYPES: Mapping[str, Callable[[object], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}

# A limit binds values of its own type only: minLength says nothing about a number.
LIMITS: Mapping[str, tuple[type | tuple[type, ...], Callable[[Any, Any], bool]]] = {
    "minLength": (str, lambda value, limit: len(value) >= limit),
    "maxLength": (str, lambda value, limit: len(value) <= limit),
    "pattern": (str, lambda value, limit: re.search(limit, value) is not None),
    "minimum": ((int, float), lambda value, limit: value >= limit),
    "maximum": ((int, float), lambda value, limit: value <= limit),
    "exclusiveMinimum": ((int, float), lambda value, limit: value > limit),
    "exclusiveMaximum": ((int, float), lambda value, limit: value < limit),
    "minItems": (list, lambda value, limit: len(value) >= limit),
    "maxItems": (list, lambda value, limit: len(value) <= limit),
    "maxProperties": (dict, lambda value, limit: len(value) <= limit),
    "enum": (object, lambda value, limit: value in limit),
    "const": (object, lambda value, limit: value == limit),
}

# These say something to people only.
ANNOTATIONS = {"title", "description", "default", "examples", "example", "deprecated", "format"}

LINE_CHARS = 40


@dataclass(frozen=True)
class Answer:
    """What came back for a request."""

    method: str
    path: str
    status: int
    media_type: str
    value: object


@dataclass(frozen=True)
class Document:
    """An OpenAPI document, and what breaks it."""

    root: Schema

    def answer_problems(self, answer: Answer) -> list[str]:
        """What is wrong with an answer. A path that the document lacks promises nothing."""
        operation = self.root.get("paths", {}).get(answer.path, {}).get(answer.method.lower())
        if operation is None:
            return []
        promises = operation["responses"]
        promised = promises.get(str(answer.status)) or promises.get("default")
        if promised is None:
            return [f"status {answer.status} is not documented"]
        content = promised.get("content", {})
        if content and answer.media_type not in content:
            return [f"{answer.media_type or 'no media type'} is not documented"]
        schema = content.get(answer.media_type, {}).get("schema", {})
        return list(self.problems(answer.value, schema, "answer"))

    def problems(self, value: object, schema: Schema, where: str) -> Problems:
        """Say what in a value breaks its schema."""
        for keyword, told in schema.items():
            if keyword in LIMITS:
                kind, keeps = LIMITS[keyword]
                if isinstance(value, kind) and not keeps(value, told):
                    yield f"{where} is {short(value)}, against {keyword} {short(told)}"
            elif keyword in RULES:
                yield from RULES[keyword](self, value, schema, where)
            elif keyword not in ANNOTATIONS:
                yield f"{where}: this check does not know the schema keyword {keyword}"

    def referred(self, pointer: str) -> Schema:
        """What `#/components/…` points at."""
        found: Any = self.root
        for name in pointer.removeprefix("#/").split("/"):
            found = found[name]
        return found  # type: ignore[no-any-return]  # a schema, if the document is one


Rule: TypeAlias = Callable[[Document, object, Schema, str], Problems]


def of_type(_: Document, value: object, schema: Schema, where: str) -> Problems:
    """`type`: one name, or a list of them."""
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not any(TYPES[name](value) for name in names):
        yield f"{where} is {short(value)}, not of type {' or '.join(names)}"


def of_reference(document: Document, value: object, schema: Schema, where: str) -> Problems:
    """`$ref`: what it points at holds."""
    yield from document.problems(value, document.referred(schema["$ref"]), where)


def of_all(document: Document, value: object, schema: Schema, where: str) -> Problems:
    """`allOf`: each holds."""
    for part in schema["allOf"]:
        yield from document.problems(value, part, where)


def of_any(document: Document, value: object, schema: Schema, where: str) -> Problems:
    """`anyOf`, and `oneOf`, which FastAPI writes for forms that exclude each other: one holds."""
    forms = schema.get("anyOf") or schema["oneOf"]
    if all(any(document.problems(value, form, where)) for form in forms):
        yield f"{where} is {short(value)}, which is none of the {len(forms)} documented forms"


def of_required(_: Document, value: object, schema: Schema, where: str) -> Problems:
    """`required`: these members are there."""
    if isinstance(value, dict):
        yield from (f"{where} has no {name}" for name in schema["required"] if name not in value)


def of_properties(document: Document, value: object, schema: Schema, where: str) -> Problems:
    """`properties`: those members that are there hold."""
    if isinstance(value, dict):
        for name in value.keys() & schema["properties"].keys():
            yield from document.problems(value[name], schema["properties"][name], f"{where}.{name}")


def of_others(document: Document, value: object, schema: Schema, where: str) -> Problems:
    """`additionalProperties`: none of them, or a schema for them."""
    allowed = schema["additionalProperties"]
    if not isinstance(value, dict) or allowed is True:
        return
    for name in value.keys() - schema.get("properties", {}).keys():
        if allowed is False:
            yield f"{where} has {name}, which is not documented"
        else:
            yield from document.problems(value[name], allowed, f"{where}.{name}")


def of_items(document: Document, value: object, schema: Schema, where: str) -> Problems:
    """`items`: each holds."""
    for n, item in enumerate(value if isinstance(value, list) else ()):
        yield from document.problems(item, schema["items"], f"{where}[{n}]")


RULES: Mapping[str, Rule] = {
    "type": of_type,
    "$ref": of_reference,
    "allOf": of_all,
    "anyOf": of_any,
    "oneOf": of_any,
    "required": of_required,
    "properties": of_properties,
    "additionalProperties": of_others,
    "items": of_items,
}


def short(value: object) -> str:
    """A value, as far as it fits into a line."""
    text = repr(value)
    return text if len(text) <= LINE_CHARS else f"{text[: LINE_CHARS - 1]}…"
