"""Does an answer keep what the OpenAPI document promises? Pure, but for reading the document."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator  # the JSON Schema of OpenAPI 3.1

Schema: TypeAlias = Mapping[str, Any]

# jsonschema quotes what is wrong, however long it is.
PROBLEM_CHARS = 160

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

    @classmethod
    def ours(cls) -> "Document":
        """The one document for every variant; `python -m tests.documents` makes it."""
        return cls(json.loads((HERE / "openapi.json").read_text(encoding="utf-8")))

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
            promised = self._referred(promised["$ref"])
        content = promised.get("content", {})
        kind = answer.media_type if answer.media_type in content else "*/*"
        if content and kind not in content:
            return [f"{answer.media_type or 'no media type'} is not documented"]
        return self._value_problems(answer.value, content.get(kind, {}).get("schema", {}))

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

    def _value_problems(self, value: object, schema: Schema) -> list[str]:
        # Made for the root, so that `#/components/…` is looked up there.
        validator = Draft202012Validator(self.root).evolve(schema=schema)
        return [
            short(f"{error.json_path.replace('$', 'answer', 1)}: {error.message}")
            for error in validator.iter_errors(value)
        ]

    def _referred(self, pointer: str) -> Schema:
        found: Any = self.root
        for name in pointer.removeprefix("#/").split("/"):
            found = found[name]
        return found  # type: ignore[no-any-return]  # a response, if the document is one


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


def short(problem: str) -> str:
    """A problem, as far as it fits into two lines."""
    return problem if len(problem) <= PROBLEM_CHARS else f"{problem[: PROBLEM_CHARS - 1]}…"
