"""A name server in a thread of its own, and services that count who comes."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from deploy.lab.edge.dns.answers import Known, answer
from deploy.lab.edge.dns.server import DnsServer
from deploy.lab.edge.dns.wire import respond
from tests.unit.edge.dns_zone import dice

# Outside the range that tests with a whole edge take from.
ADDRESS = "127.251.0.53"


class Served:
    """What is known may be changed while it answers."""

    place: tuple[str, int]

    def __init__(self, known: Known) -> None:
        self.known = known
        self._chance = dice()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server = DnsServer(self._respond)

    def _respond(self, packet: bytes, udp: bool) -> bytes | None:  # noqa: FBT001 - as it is called
        return respond(packet, lambda q: answer(q, self.known, self._chance), udp=udp)

    def __enter__(self) -> Self:
        self._thread.start()
        for port in range(5400, 5500):
            try:
                self._do(self._server.open(ADDRESS, port))
            except OSError:
                continue
            self.place = ADDRESS, port
            return self
        raise RuntimeError("no free port")

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            self._server.close()
            # Connections take a turn of the loop to end.
            for _ in range(10):
                await asyncio.sleep(0)

        self._do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result()


class Service(ThreadingHTTPServer):
    """Answers its own address, and counts requests and connections."""

    request_queue_size = 64
    daemon_threads = True

    def __init__(self, address: str, port: int = 0) -> None:
        super().__init__((address, port), _Answering)
        self.address, self.port = str(self.server_address[0]), self.server_address[1]
        self.requests = 0
        self.names: set[str] = set()
        self.open_connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Go away as a killed process does."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection in list(self.open_connections):
            connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        pass


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Service

    def setup(self) -> None:
        super().setup()
        self.server.open_connections.add(self.connection)

    def finish(self) -> None:
        self.server.open_connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        self.server.requests += 1
        self.server.names.add(self.headers["host"])
        body = self.server.address.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
