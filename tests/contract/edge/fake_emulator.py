"""An emulator that wants what a test tells it to, and echoes what REST APIs send it."""

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

EMPTY: dict[str, Any] = {
    "instances": [],
    "tasks": [],
    "addresses": [],
    "load_balancers": [],
    "target_groups": [],
    "rest_apis": [],
    "hosted_zones": [],
    "health_checks": [],
    "web_acls": [],
}


class FakeEmulator:
    """The two agent routes of the emulator, over real HTTP."""

    def __init__(self, address: str, port: int) -> None:
        self.observed: dict[str, Any] = {}
        self.observed_checks: dict[str, Any] = {}
        self.connections: set[socket.socket] = set()
        self._place = (address, port)
        self._document = json.loads(json.dumps(EMPTY))
        self._version = 1
        self._changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        emulator = self

        class Handler(_Handler):
            fake = emulator

        self._server = _Server(self._place, Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Go away as a killed process does: state and observations are lost."""
        assert self._server
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        with self._changed:
            self._version = 1
            self.observed = {}
            self._changed.notify_all()

    def add(self, kind: str, item: dict[str, Any]) -> None:
        with self._changed:
            self._document[kind].append(item)
            self._touch()

    def remove(self, kind: str, item: dict[str, Any]) -> None:
        with self._changed:
            self._document[kind].remove(item)
            self._touch()

    def change(self, item: dict[str, Any], **values: object) -> None:
        """Change something that was added."""
        with self._changed:
            item.update(values)
            self._touch()

    def state(self, since: int, wait_s: float) -> dict[str, Any]:
        with self._changed:
            self._changed.wait_for(lambda: self._version > since, wait_s)
            return {"version": self._version, **self._document}

    def report(self, document: dict[str, Any]) -> None:
        with self._changed:
            self.observed.update(document["targets"])
            self.observed_checks.update(document["health_checks"])

    def _touch(self) -> None:
        self._version += 1
        self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fake: FakeEmulator

    def setup(self) -> None:
        super().setup()
        self.fake.connections.add(self.connection)

    def finish(self) -> None:
        self.fake.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/_lab/state":
            query = parse_qs(url.query)
            self._answer(self.fake.state(int(query["since"][0]), float(query["wait"][0])))
        elif url.path.endswith("/never"):
            threading.Event().wait(10)
        else:
            self._answer(
                {
                    "host": self.headers["host"],
                    "path": self.path,
                    "headers": [[name.lower(), value] for name, value in self.headers.items()],
                }
            )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/_lab/observed":
            self.fake.report(json.loads(body))
            self._answer({})
        else:
            self._answer({"host": self.headers["host"], "path": self.path, "bytes": len(body)})

    def _answer(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
