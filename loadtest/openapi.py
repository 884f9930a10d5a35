"""Does an answer keep what the OpenAPI document promises? Pure, but for reading the document.

Knows the part of JSON Schema that FastAPI writes. A keyword it does not know is reported as a
problem: a promise must not pass because nobody looked.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
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

# `components.responses` that any route may give are called Any403, Any404, …
ANY = "Any"


HERE = Path(__file__).parent


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
        """What is wrong with an answer.

        Of a path or a method that the document lacks, only the answers that any route may give are
        documented; where there are none of those, nothing is promised.
        """
        promises = self.promises(answer.method, answer.path)
        promised = promises.get(str(answer.status)) or promises.get("default")
        if promised is None:
            return [f"status {answer.status} is not documented"] if promises else []
        if "$ref" in promised:
            promised = self.referred(promised["$ref"])
        content = promised.get("content", {})
        kind = answer.media_type if answer.media_type in content else "*/*"
        if content and kind not in content:
            return [f"{answer.media_type or 'no media type'} is not documented"]
        schema = content.get(kind, {}).get("schema", {})
        return list(self.problems(answer.value, schema, "answer"))

    def promises(self, method: str, path: str) -> Schema:
        """What a route may be answered with, by status."""
        paths = self.root.get("paths", {})
        template = path if path in paths else next((t for t in paths if fits(path, t)), "")
        operation = paths.get(template, {}).get(method.lower())
        if operation:
            return operation["responses"]  # type: ignore[no-any-return]  # as OpenAPI has it
        shared = self.root.get("components", {}).get("responses", {})
        return {
            name.removeprefix(ANY): told for name, told in shared.items() if name.startswith(ANY)
        }

    @classmethod
    def ours(cls) -> "Document":
        """The one document for every variant; `python -m tests.documents` makes it."""
        return cls(json.loads((HERE / "openapi.json").read_text(encoding="utf-8")))

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


def fits(path: str, template: str) -> bool:
    """Whether a path is one of those that a template with {parameters} stands for.

    >>> fits("/objects/a.txt", "/objects/{key}"), fits("/objects", "/objects/{key}")
    (True, False)
    """
    parts, wanted = path.split("/"), template.split("/")
    return len(parts) == len(wanted) and all(
        part == want or (want.startswith("{") and part != "")
        for part, want in zip(parts, wanted, strict=True)
    )


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
