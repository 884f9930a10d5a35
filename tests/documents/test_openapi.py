"""The document that is checked in is the one that service and surroundings make."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.documents.openapi import METHODS, PATH, openapi, own, together

ANEW = "stale: `python -m tests.documents` makes it anew"
DOCUMENT: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))


def test_the_document_is_that_of_the_service_and_what_stands_around_it() -> None:
    assert PATH.read_text(encoding="utf-8") == openapi(), ANEW


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        yield from ((path, method, item[method]) for method in METHODS if method in item)


def test_every_promise_of_the_service_is_kept_in_it() -> None:
    for path, method, operation in operations(own()):
        kept = DOCUMENT["paths"][path][method]["responses"]
        for status, response in operation["responses"].items():
            wanted = response.get("content", {})
            assert wanted.items() <= kept[status]["content"].items(), (path, status)


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations(DOCUMENT)]

    assert len(names) == len(set(names))


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        found: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        assert found


def test_every_answer_is_described() -> None:
    for path, method, operation in operations(DOCUMENT):
        for status, response in operation["responses"].items():
            assert response.get("description") or response["$ref"], (path, method, status)


@pytest.mark.parametrize("status", ["403", "413", "502", "503", "504"])
def test_a_balancer_s_own_page_is_described_on_every_route(status: str) -> None:
    shared = DOCUMENT["components"]["responses"]
    for path, method, operation in operations(DOCUMENT):
        told = operation["responses"].get(status, operation["responses"].get("default"))
        told = shared[told["$ref"].rpartition("/")[2]] if "$ref" in told else told
        kinds = told["content"].keys()
        assert {"text/html", "application/json"} <= kinds or kinds == {"*/*"}, (path, method)


def test_what_stands_around_takes_nothing_away() -> None:
    answer = {"description": "A page.", "content": {"text/plain": {"schema": {}}}}
    service = {"paths": {"/a": {"get": {"responses": {"503": answer}}}}, "components": {}}
    more = {"description": "x", "content": ["html"]}

    document = together(service, {"everywhere": {"503": more}, "under": {}, "paths": {}})

    kept = document["paths"]["/a"]["get"]["responses"]["503"]
    assert kept["description"] == "A page."
    assert kept["content"].keys() == {"text/plain", "text/html"}


# Say something to people only, a format too: nobody has given the validator a checker of formats.
ANNOTATIONS = {"title", "description", "default", "examples", "example", "deprecated", "format"}


def schemas(value: object) -> Iterator[dict[str, Any]]:
    """Every schema in the document that is not part of another one."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "schema":
                yield each
            elif name == "schemas":
                yield from each.values()
            else:
                yield from schemas(each)
    elif isinstance(value, list):
        for each in value:
            yield from schemas(each)


def keywords(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema
    for name, told in schema.items():
        if name == "properties":
            for each in told.values():
                yield from keywords(each)
        elif name in ("anyOf", "oneOf", "allOf"):
            for each in told:
                yield from keywords(each)
        elif name in ("items", "additionalProperties") and isinstance(told, dict):
            yield from keywords(told)


def test_every_schema_is_one_whose_every_keyword_is_checked() -> None:
    """A validator passes over what it does not know: a promise with a typo would always be kept."""
    found = list(schemas(DOCUMENT))
    assert len(found) > 20

    for schema in found:
        Draft202012Validator.check_schema(schema)
        assert set(keywords(schema)) <= ANNOTATIONS | Draft202012Validator.VALIDATORS.keys()
