import pytest

from loadtest.openapi import PROBLEM_CHARS, Answer, Document

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
        ({}, "answer: 'name' is a required property"),
        ([], "answer: [] is not of type 'object'"),
        ({"name": 7}, "answer.name: 7 is not of type 'string'"),
        ({"name": ""}, "answer.name: '' should be non-empty"),
        ({"name": "Tom", "legs": True}, "answer.legs: True is not of type 'integer'"),
        ({"name": "Tom", "legs": -1}, "answer.legs: -1 is less than the minimum of 0"),
        ({"name": "Tom", "kind": "cow"}, "answer.kind: 'cow' is not one of ['cat', 'dog']"),
        ({"name": "Tom", "toys": [1]}, "answer.toys[0]: 1 is not of type 'string'"),
        (
            {"name": "Tom", "tail": 1},
            "answer: Additional properties are not allowed ('tail' was unexpected)",
        ),
        (
            {"name": "Tom", "owner": {}},
            "answer.owner: {} is not valid under any of the given schemas",
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


def test_a_long_value_is_not_quoted_whole() -> None:
    (problem,) = problems({"name": ["x" * 5_000]})

    assert problem.startswith("answer.name: ['xxx")
    assert len(problem) == PROBLEM_CHARS
