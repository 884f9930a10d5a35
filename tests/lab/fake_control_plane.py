"""The emulator's two addresses for the fleet, held by a test."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from deploy.lab.addresses import Addresses

EMPTY: dict[str, Any] = {"instances": [], "tasks": []}


class ControlPlane:
    """Says what is wanted, and remembers what was reported."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._document = {"version": 1, **EMPTY}
        self._observed: dict[str, dict[str, Any]] = {}

    def want(self, **document: Any) -> None:  # noqa: ANN401  lists of machines, and faults
        with self._changed:
            self._document = {"version": self._document["version"] + 1, **EMPTY, **document}
            self._changed.notify_all()

    def newer_than(self, version: int, wait_s: float) -> dict[str, Any]:
        with self._changed:
            self._changed.wait_for(lambda: self._document["version"] > version, wait_s)
            return self._document

    def report(self, machines: dict[str, dict[str, Any]]) -> None:
        with self._changed:
            self._observed.update(machines)

    def machine(self, machine_id: str) -> dict[str, Any]:
        with self._changed:
            return self._observed.get(machine_id, {"state": "unknown", "pid": None})


@contextmanager
def control_plane(addresses: Addresses) -> Iterator[ControlPlane]:
    plane = ControlPlane()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            state = plane.newer_than(int(asked["since"]), min(float(asked["wait"]), 0.5))
            self._answer(json.dumps(state).encode())

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            plane.report(json.loads(self.rfile.read(length))["machines"])
            self._answer(b"{}")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            # A killed fleet does not wait for its answer.
            with suppress(BrokenPipeError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    host, _, port = addresses.emulator_url.removeprefix("http://").partition(":")
    with ThreadingHTTPServer((host, int(port)), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield plane
        finally:
            server.shutdown()
            thread.join()
