"""The entrypoints as processes: how they start, answer, and stop."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx2
import pytest

from tests.bench.stub_sqs import StubSqs, running_in_thread
from tests.unit.app.conftest import lines

ENOUGH_S = 30


@pytest.fixture
def stub() -> StubSqs:
    # The stub does not long-poll; a worker would ask it all the time.
    return StubSqs(latency_s=0.02)


@pytest.fixture
def environment(stub: StubSqs) -> Iterator[dict[str, str]]:
    with running_in_thread(stub) as endpoint:
        yield {
            "PATH": os.environ["PATH"],
            "NINEWAYS_QUEUE_URL": f"{endpoint}/000000000000/q",
            "NINEWAYS_HOST": "127.0.0.1",
            "NINEWAYS_PORT": str(_free_port()),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(entrypoint: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", f"app.entrypoints.{entrypoint}"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + ENOUGH_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx2.TransportError:
        return False


def stop(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    written, _ = process.communicate(timeout=ENOUGH_S)
    return written


def test_the_web_service_finishes_what_is_in_flight_when_it_is_told_to_stop(
    environment: dict[str, str], stub: StubSqs
) -> None:
    url = f"http://127.0.0.1:{environment['NINEWAYS_PORT']}"
    got: list[httpx2.Response] = []
    with started("web", environment) as process, httpx2.Client(base_url=url) as client:
        wait_until(lambda: answers(client))
        stub.latency_s = 1.0
        sending = threading.Thread(
            target=lambda: got.append(httpx2.post(f"{url}/messages", json={"body": "a"}))
        )
        sending.start()
        wait_until(lambda: bool(stub.visible))  # the queue has it, the caller has no answer yet
        written = stop(process)
        sending.join()

    assert got[0].status_code == 202
    assert got[0].json()["id"] == stub.visible[0]["MessageId"]
    assert lines(written)  # every line is JSON


def test_the_worker_does_what_it_received_and_stops(
    environment: dict[str, str], stub: StubSqs
) -> None:
    for i in range(15):
        stub.send({"MessageBody": str(i)})
    with started("worker", environment) as process:
        wait_until(lambda: not stub.visible and not stub.in_flight)
        written = stop(process)

    assert process.returncode == 0
    messages = [line["message"] for line in lines(written)]
    assert messages.count("message handled") == 15
    assert messages[-1] == "stopped"


@pytest.mark.parametrize("entrypoint", ["web", "worker"])
def test_without_its_queue_nothing_starts_and_one_line_says_why(
    environment: dict[str, str], entrypoint: str
) -> None:
    del environment["NINEWAYS_QUEUE_URL"]

    with started(entrypoint, environment) as process:
        written, _ = process.communicate(timeout=ENOUGH_S)

    assert process.returncode == 1
    assert "NINEWAYS_QUEUE_URL is not set" in written
    assert len(written.splitlines()) == 1
