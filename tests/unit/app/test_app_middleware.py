import asyncio
import logging

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api import create_app
from app.identity import Identity
from app.logs import configure_logs
from app.queue import Depth
from tests.unit.app.conftest import lines
from tests.unit.app.memory_queue import MemoryQueue

pytestmark = pytest.mark.anyio

ROOT = "1-67891233-abcdef012345678912345678"
W3C = "00-67891233abcdef012345678912345678-53995c3f42cd8ad8-01"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Request-Id": "abc-1"}, "abc-1"),
        ({"X-Amzn-Trace-Id": f"Self=1-2;Root={ROOT};Sampled=1"}, ROOT),
        ({"X-Request-Id": "abc-1", "X-Amzn-Trace-Id": f"Root={ROOT}"}, "abc-1"),
        ({"X-Request-Id": 'a"b', "X-Amzn-Trace-Id": f"Root={ROOT}"}, ROOT),
        ({"traceparent": W3C}, ROOT),
        ({"traceparent": W3C.replace("67", "99", 1), "X-Amzn-Trace-Id": f"Root={ROOT}"}, ROOT),
    ],
)
def test_a_sane_request_id_is_kept(
    client: TestClient, headers: dict[str, str], expected: str
) -> None:
    assert client.get("/healthz", headers=headers).headers["X-Request-Id"] == expected


@pytest.mark.parametrize("insane", ["", "x" * 129, "a b", "<script>", "a\x7f"])
def test_an_insane_request_id_is_replaced(client: TestClient, insane: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": insane})

    assert answer.headers["X-Request-Id"] != insane
    assert len(answer.headers["X-Request-Id"]) == 32


def test_every_request_gets_an_id_of_its_own(client: TestClient) -> None:
    ids = {client.get("/healthz").headers["X-Request-Id"] for _ in range(5)}

    assert len(ids) == 5


def test_an_error_answer_carries_the_id_of_its_request(client: TestClient) -> None:
    answer = client.get("/nothing", headers={"X-Request-Id": "abc-1"})

    assert answer.json()["request_id"] == answer.headers["X-Request-Id"] == "abc-1"


@pytest.mark.usefixtures("restored_logging")
def test_a_failed_request_leaves_one_line_of_json_with_its_id_and_reason(
    identity: Identity, capsys: pytest.CaptureFixture[str]
) -> None:
    class BrokenQueue(MemoryQueue):
        async def depth(self) -> Depth:
            raise RuntimeError("the reason")

    configure_logs(level="INFO", variant="test")

    TestClient(create_app(BrokenQueue(), identity)).get("/stats", headers={"X-Request-Id": "abc-1"})

    failed, answered = lines(capsys.readouterr().out)
    assert failed["request_id"] == answered["request_id"] == "abc-1"
    assert "the reason" in failed["exception"]
    assert (answered["message"], answered["level"], answered["status"]) == (
        "GET /stats 500",
        "ERROR",
        500,
    )


@pytest.mark.usefixtures("restored_logging")
def test_good_requests_are_logged_only_when_asked_for(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(level="INFO", variant="test")
    client.get("/healthz")
    assert lines(capsys.readouterr().out) == []

    configure_logs(level="DEBUG", variant="test")
    client.get("/healthz")
    assert "GET /healthz 200" in [line["message"] for line in lines(capsys.readouterr().out)]


@pytest.mark.usefixtures("restored_logging")
def test_what_was_given_as_extra_is_part_of_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="INFO", variant="test")

    logging.getLogger("x").info("hello %s", "there", extra={"bytes": 7})

    (line,) = lines(capsys.readouterr().out)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "x",
        "message": "hello there",
        "variant": "test",
        "bytes": 7,
    }


async def test_too_many_at_once_are_turned_away_but_not_the_health_check(
    queue: MemoryQueue, identity: Identity
) -> None:
    app = create_app(queue, identity, max_in_flight=1)
    async with _in_memory(app) as client:
        waiting = asyncio.create_task(client.get("/wait", params={"ms": 60_000}))
        await asyncio.sleep(0)
        while (turned_away := await client.get("/whoami")).status_code != 503:
            pass
        health = await client.get("/healthz")
        waiting.cancel()
        await asyncio.wait([waiting])
        afterwards = await client.get("/whoami")

    assert turned_away.json()["error"]["code"] == "overloaded"
    assert "Retry-After" in turned_away.headers
    assert health.status_code == 200
    assert afterwards.status_code == 200


def test_under_a_prefix_paths_work_with_and_without_it_and_links_have_it(
    queue: MemoryQueue, identity: Identity
) -> None:
    client = TestClient(create_app(queue, identity, stage_prefix="/live"))

    assert client.get("/live/healthz").status_code == 200
    assert client.get("/healthz").status_code == 200
    assert client.get("/lively/healthz").status_code == 404
    assert "/live/openapi.json" in client.get("/live/docs").text
    assert client.get("/live/openapi.json").json()["servers"] == [{"url": "/live"}]


def _in_memory(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service")


def test_a_route_is_also_found_under_the_prefixes_of_a_gateway_and_no_others(
    queue: MemoryQueue, identity: Identity
) -> None:
    service = create_app(queue, identity, stage_prefix="/live", route_prefixes=["/keyed"])
    client = TestClient(service)

    assert client.get("/keyed/healthz").status_code == 200
    assert client.get("/healthz").status_code == 200
    assert client.get("/live/healthz").status_code == 200
    assert client.get("/keyedness/healthz").status_code == 404
    assert client.get("/keyed/keyed/healthz").status_code == 404
    assert "/live/openapi.json" in client.get("/docs").text
