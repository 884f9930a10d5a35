import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api import MAX_WAIT_MS, MAX_WORK_MS, create_app
from app.identity import Identity
from app.messages import MAX_BODY_BYTES
from app.queue import Depth
from tests.unit.app.memory_queue import MemoryQueue


def as_json(value: object) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate can only be written as an escape
        return json.dumps(value).encode()


def test_a_message_is_accepted_under_the_id_that_the_queue_gave_it(
    client: TestClient, queue: MemoryQueue
) -> None:
    answer = client.post("/messages", json={"body": "hello"})

    assert answer.status_code == 202
    assert answer.json() == {"id": queue.visible[0].id}
    assert queue.visible[0].message.body == "hello"


def test_attributes_the_key_and_the_request_id_travel_with_the_message(
    client: TestClient, queue: MemoryQueue
) -> None:
    client.post(
        "/messages",
        json={"body": "hello", "attributes": {"colour": "blue"}},
        headers={"Idempotency-Key": "order 17", "X-Request-Id": "r-1"},
    )

    assert queue.visible[0].message.attributes == {
        "colour": "blue",
        "idempotency-key": "order 17",
        "request-id": "r-1",
    }


@pytest.mark.parametrize(
    "body", ["x" * MAX_BODY_BYTES, "é" * (MAX_BODY_BYTES // 2), "tab\t\r\n", "🙂"]
)
def test_a_body_within_the_limits_arrives_as_it_is(
    client: TestClient, queue: MemoryQueue, body: str
) -> None:
    assert client.post("/messages", json={"body": body}).status_code == 202
    assert queue.visible[0].message.body == body


BAD_MESSAGES: list[tuple[str, Any, str]] = [
    ("no body", {}, "body"),
    ("empty body", {"body": ""}, "body"),
    ("body is a number", {"body": 7}, "body"),
    ("body is null", {"body": None}, "body"),
    ("too many characters", {"body": "x" * (MAX_BODY_BYTES + 1)}, "body"),
    ("too many bytes", {"body": "é" * (MAX_BODY_BYTES // 2 + 1)}, "body"),
    ("control character", {"body": "a\x00"}, "body"),
    ("lone surrogate", {"body": "\ud800"}, "body"),
    ("unknown field", {"body": "a", "delay": 3}, "delay"),
    ("attributes is a list", {"body": "a", "attributes": ["b"]}, "attributes"),
    (
        "too many attributes",
        {"body": "a", "attributes": {f"n{i}": "v" for i in range(8)}},
        "attributes",
    ),
    ("empty value", {"body": "a", "attributes": {"n": ""}}, "attributes.n"),
    ("value is a number", {"body": "a", "attributes": {"n": 1}}, "attributes.n"),
    ("value too long", {"body": "a", "attributes": {"n": "v" * 1025}}, "attributes.n"),
    ("control character in a value", {"body": "a", "attributes": {"n": "\x01"}}, "attributes.n"),
    ("name with a space", {"body": "a", "attributes": {"a b": "v"}}, "attributes.a b"),
    ("name with two dots", {"body": "a", "attributes": {"a..b": "v"}}, "attributes.a..b"),
    ("name of ours", {"body": "a", "attributes": {"request-id": "v"}}, "attributes.request-id"),
    ("name of AWS", {"body": "a", "attributes": {"AWS.x": "v"}}, "attributes.AWS.x"),
]


@pytest.mark.parametrize(
    ("message", "field"),
    [(message, field) for _, message, field in BAD_MESSAGES],
    ids=[name for name, _, _ in BAD_MESSAGES],
)
def test_a_bad_message_is_refused_and_the_field_named(
    client: TestClient, queue: MemoryQueue, message: object, field: str
) -> None:
    answer = client.post(
        "/messages", content=as_json(message), headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid_request"
    assert error["field"] == field
    assert len(answer.content) < 500  # the bad input itself is not sent back
    assert queue.visible == []


@pytest.mark.parametrize("key", ["", "k" * 129, "caf\xe9", "tab\tbed"])
def test_a_bad_idempotency_key_is_refused(client: TestClient, key: str) -> None:
    answer = client.post(
        "/messages", json={"body": "a"}, headers=[(b"Idempotency-Key", key.encode("latin-1"))]
    )

    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"', "{'body': 'a'}"])
def test_what_is_no_json_object_is_refused(client: TestClient, content: str) -> None:
    answer = client.post("/messages", content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_request"


def test_bytes_that_are_no_text_are_refused(client: TestClient) -> None:
    answer = client.post(
        "/messages", content=b'{"body":"\xff"}', headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"],
)
def test_another_content_type_is_refused(client: TestClient, content_type: str) -> None:
    answer = client.post(
        "/messages", content='{"body":"a"}', headers={"Content-Type": content_type}
    )

    assert answer.status_code == 415
    assert content_type in answer.json()["error"]["message"]


def test_a_request_without_content_type_is_refused(client: TestClient) -> None:
    assert client.post("/messages", content=b'{"body":"a"}').status_code == 415


def test_an_encoded_body_is_refused(client: TestClient) -> None:
    answer = client.post(
        "/messages",
        content=b"\x1f\x8b",
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    assert answer.status_code == 415
    assert "encoded" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/vnd.x+json"]
)
def test_json_by_another_name_is_accepted(client: TestClient, content_type: str) -> None:
    answer = client.post(
        "/messages", content='{"body":"a"}', headers={"Content-Type": content_type}
    )

    assert answer.status_code == 202


@pytest.mark.parametrize("declared", [True, False], ids=["declared length", "chunks"])
def test_a_request_over_the_limit_is_refused_in_our_shape(
    client: TestClient, *, declared: bool
) -> None:
    content = b"x" * 524_289

    answer = client.post(
        "/messages",
        content=content if declared else iter([content[:300_000], content[300_000:]]),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "content_too_large"
    assert "524288" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/readyz", "/stats"])
def test_an_unreachable_queue_is_a_503_with_a_time_to_come_back(
    client: TestClient, queue: MemoryQueue, path: str
) -> None:
    queue.reachable = False

    answer = client.get(path)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"]["code"] == "queue_unavailable"
    assert "plug" not in answer.text


def test_a_send_to_an_unreachable_queue_is_a_503(client: TestClient, queue: MemoryQueue) -> None:
    queue.reachable = False

    answer = client.post("/messages", json={"body": "a"})

    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


def test_a_message_that_the_queue_refuses_is_the_callers_fault(
    client: TestClient, queue: MemoryQueue
) -> None:
    queue.refuses.add("bad")

    answer = client.post("/messages", json={"body": "bad"})

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "message_refused"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/messages/", 404),
        ("GET", "/messages", 405),
        ("POST", "/healthz", 405),
        ("DELETE", "/whoami", 405),
    ],
)
def test_what_is_not_there_is_said_in_our_shape(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert set(answer.json()) == {"error", "request_id"}
    assert ("Allow" in answer.headers) == (status == 405)


def test_an_unexpected_error_is_a_500_without_its_reason(identity: Identity) -> None:
    class BrokenQueue(MemoryQueue):
        async def depth(self) -> Depth:
            raise RuntimeError("a secret")

    answer = TestClient(create_app(BrokenQueue(), identity)).get("/stats")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert "secret" not in answer.text


def test_health_does_not_depend_on_the_queue(client: TestClient, queue: MemoryQueue) -> None:
    queue.reachable = False

    assert client.get("/healthz").json() == {"status": "ok"}


def test_readiness_asks_the_queue_once_for_many(client: TestClient, queue: MemoryQueue) -> None:
    answers = [client.get("/readyz") for _ in range(5)]

    assert [answer.json() for answer in answers] == [{"status": "ready"}] * 5
    assert queue.asked_for_depth == 1


def test_whoami_names_the_copy_and_says_that_only_its_first_request_was_cold(
    client: TestClient,
) -> None:
    first, second = client.get("/whoami").json(), client.get("/whoami").json()

    assert first.pop("up_s") <= second.pop("up_s")
    python = first.pop("python")
    assert python.startswith("3.")
    assert first == {
        "variant": "test",
        "compute": "instance",
        "compute_id": "i-0abc",
        "version": "v1",
        "cold_start": True,
    }
    assert second == first | {"cold_start": False, "python": python}


def test_stats_counts_what_is_in_the_queue(client: TestClient) -> None:
    client.post("/messages", json={"body": "a"})

    assert client.get("/stats").json() == {"visible": 1, "in_flight": 0, "delayed": 0}


@pytest.mark.parametrize("path", ["/work", "/wait"])
def test_an_exercise_takes_at_least_as_long_as_asked(client: TestClient, path: str) -> None:
    assert client.get(path, params={"ms": 3}).json()["ms"] >= 3 * 0.99


@pytest.mark.parametrize(("path", "limit"), [("/work", MAX_WORK_MS), ("/wait", MAX_WAIT_MS)])
def test_an_exercise_is_bounded(client: TestClient, path: str, limit: int) -> None:
    for ms in (-1, limit + 1, "long", ""):
        answer = client.get(path, params={"ms": ms})
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == "ms"


def test_the_queue_is_closed_when_the_service_stops(app: FastAPI, queue: MemoryQueue) -> None:
    with TestClient(app):
        assert not queue.closed

    assert queue.closed
