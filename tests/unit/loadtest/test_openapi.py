from typing import Any

import pytest

from loadtest.openapi import Answer, Document

PET = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "title": "Name"},
        "legs": {"type": "integer", "minimum": 0},
        "owner": {"anyOf": [{"$ref": "#/components/schemas/Person"}, {"type": "null"}]},
        "kind": {"enum": ["cat", "dog"]},
        "toys": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": False,
}
PERSON = {"type": "object", "required": ["age"], "properties": {"age": {"type": "number"}}}
DOCUMENT = Document(
    {
        "paths": {
            "/pets": {
                "get": {
                    "responses": {
                        "200": {
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}
                            }
                        },
                        "204": {"description": "nothing"},
                    }
                }
            }
        },
        "components": {"schemas": {"Pet": PET, "Person": PERSON}},
    }
)


def problems(
    value: object, *, status: int = 200, media_type: str = "application/json"
) -> list[str]:
    return DOCUMENT.answer_problems(Answer("GET", "/pets", status, media_type, value))


def test_an_answer_as_documented_has_no_problem() -> None:
    pet = {"name": "Tom", "legs": 4, "owner": {"age": 7.5}, "kind": "cat", "toys": ["mouse"]}

    assert problems(pet) == []
    assert problems({"name": "Tom", "owner": None}) == []


@pytest.mark.parametrize(
    ("pet", "problem"),
    [
        ({}, "answer has no name"),
        ([], "answer is [], not of type object"),
        ({"name": 7}, "answer.name is 7, not of type string"),
        ({"name": ""}, "answer.name is '', against minLength 1"),
        ({"name": "Tom", "legs": True}, "answer.legs is True, not of type integer"),
        ({"name": "Tom", "legs": -1}, "answer.legs is -1, against minimum 0"),
        ({"name": "Tom", "kind": "cow"}, "answer.kind is 'cow', against enum ['cat', 'dog']"),
        ({"name": "Tom", "toys": [1]}, "answer.toys[0] is 1, not of type string"),
        ({"name": "Tom", "tail": 1}, "answer has tail, which is not documented"),
        (
            {"name": "Tom", "owner": {}},
            "answer.owner is {}, which is none of the 2 documented forms",
        ),
    ],
)
def test_what_is_not_as_documented_is_named(pet: object, problem: str) -> None:
    assert problems(pet) == [problem]


def test_a_status_or_media_type_that_is_not_documented_is_a_problem() -> None:
    assert problems({}, status=500) == ["status 500 is not documented"]
    assert problems({}, media_type="text/html") == ["text/html is not documented"]
    assert problems(None, status=204, media_type="") == []


def test_a_path_that_is_not_documented_promises_nothing() -> None:
    answer = Answer("GET", "/elsewhere", 404, "text/plain", None)

    assert DOCUMENT.answer_problems(answer) == []


def test_a_keyword_that_is_not_known_is_a_problem_rather_than_overlooked() -> None:
    schema: dict[str, Any] = {"type": "string", "contentEncoding": "base64"}

    assert list(DOCUMENT.problems("x", schema, "answer")) == [
        "answer: this check does not know the schema keyword contentEncoding"
    ]
