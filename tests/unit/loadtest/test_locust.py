"""Locust for real, against a server that stalls: one second of load each."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.waiting import Patience
from loadtest.generator import LOCUSTFILE, LocustGenerator
from loadtest.run import Load
from loadtest.scenarios import Leg
from loadtest.targets import Target

PAUSE_S = 0.5
soon = Patience(every_s=0.05)


class Server(ThreadingHTTPServer):
    """Answers every request; stands still for half a second when the tenth message comes."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.paths: list[str] = []
        self.keys: list[str] = []
        self.standing_still = threading.Lock()

    def take(self, path: str, key: str) -> str:
        with self.standing_still:
            self.paths.append(path)
            self.keys.append(key)
            if len(self.keys) == 10:
                threading.Event().wait(PAUSE_S)
            return f"m-{len(self.keys)}"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.answer(200, {"status": "ok"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        id_ = self.server.take(self.path, self.headers["idempotency-key"])
        self.answer(202, {"id": id_})

    def answer(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_stall_shows_in_every_request_that_it_delayed(server: Server) -> None:
    load = Load(
        scenario="send", rate=50, seconds=1, rounds=1, seed=1, arrivals="constant", warm_up_s=0
    )

    offered = LocustGenerator().offer(
        Target("target", f"http://127.0.0.1:{server.server_port}/stage"),
        Leg("run", "target", 1),
        load,
        seconds=1,
    )

    assert len(offered.samples) == offered.asked == 50
    assert all(sample.ok and sample.message_id for sample in offered.samples)
    assert set(server.paths) == {"/stage/messages"}
    assert sorted(server.keys) == sorted(f"run/target/1/{n}" for n in range(50))
    # Half a second stood still: of the 25 requests due in it, each waited for the rest of it.
    delayed = [sample for sample in offered.samples if sample.latency_ms > 100]
    assert len(delayed) >= 15


def test_plain_locust_runs_the_file_in_a_closed_loop(server: Server) -> None:
    host = f"http://127.0.0.1:{server.server_port}"
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"),
            *("--host", host, "-u", "2", "-r", "2", "-t", "60s"),
            *("--only-summary", "--json", "--loglevel", "ERROR"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as locust:
        # How many requests fit a second is up to the machine, so not the time ends it.
        soon.until(lambda: len(server.keys) >= 4, what="four requests", timeout_s=60)
        locust.terminate()
        told, _ = locust.communicate(timeout=60)

    (entry,) = json.loads(told)
    assert (entry["name"], entry["method"]) == ("/messages", "POST")
    assert entry["num_requests"] >= 2
    assert entry["num_failures"] == 0
