import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.messages import MAX_ATTRIBUTES, MAX_BODY_BYTES

OPERATIONS = {
    ("/messages", "post"),
    ("/healthz", "get"),
    ("/readyz", "get"),
    ("/whoami", "get"),
    ("/stats", "get"),
    ("/work", "get"),
    ("/wait", "get"),
}


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operation(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    return document["paths"][path][method]  # type: ignore[no-any-return]


def test_the_document_names_every_route_and_no_other(document: dict[str, Any]) -> None:
    assert {
        (path, method) for path, methods in document["paths"].items() for method in methods
    } == OPERATIONS


@pytest.mark.parametrize(("path", "method"), sorted(OPERATIONS))
def test_every_error_answer_is_documented_in_our_shape(
    document: dict[str, Any], path: str, method: str
) -> None:
    answers = operation(document, path, method)["responses"]

    errors = {status: answer for status, answer in answers.items() if int(status) >= 400}
    assert {"500", "503"} <= set(errors)
    assert "Retry-After" in errors["503"]["headers"]
    for answer in errors.values():
        assert answer["content"]["application/json"]["schema"] == {
            "$ref": "#/components/schemas/ErrorAnswer"
        }
    assert "HTTPValidationError" not in json.dumps(document)


def test_sending_documents_how_it_can_go_wrong(document: dict[str, Any]) -> None:
    answers = operation(document, "/messages", "post")["responses"]

    assert set(answers) == {"202", "400", "413", "415", "422", "500", "503"}
    assert "524288" in answers["413"]["description"]


def test_the_limits_of_a_message_are_in_the_schema(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["NewMessage"]
    body = schema["properties"]["body"]
    attributes = schema["properties"]["attributes"]["anyOf"][0]

    assert schema["additionalProperties"] is False
    assert schema["required"] == ["body"]
    assert (body["minLength"], body["maxLength"]) == (1, MAX_BODY_BYTES)
    assert attributes["maxProperties"] == MAX_ATTRIBUTES
    (values,) = attributes["patternProperties"].values()
    assert values["maxLength"] == 1024
    assert attributes["propertyNames"]["maxLength"] == 64


def test_the_limits_of_the_parameters_are_in_the_schema(document: dict[str, Any]) -> None:
    (key,) = operation(document, "/messages", "post")["parameters"]
    (ms,) = operation(document, "/work", "get")["parameters"]

    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", False)
    assert key["schema"]["maxLength"] == 128
    assert (ms["schema"]["minimum"], ms["schema"]["maximum"]) == (0, 10_000)


def test_the_document_and_the_pages_that_show_it_are_served(client: TestClient) -> None:
    assert client.get("/openapi.json").json()["info"]["title"] == "nineways"
    assert client.get("/docs").status_code == 200
