"""A target as its own process: `python backend.py NAME ADDRESS PORT`, killed as one is.

GET /health answers 200, or what POST /health?status=… said; /checked tells its headers.
/echo tells the request as it arrived, /slow?ms=… takes so long, /reset breaks the connection,
/set?… sets what stands there as a cookie, all else answers the name.
"""

import json
import os
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit


class Target(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    name = ""
    health = 200
    checked: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        match url.path:
            case "/health":
                Target.checked = self.lowered()
                self.answer(Target.health, "health")
            case "/echo":
                self.answer(200, json.dumps({"path": self.path, "headers": self.lowered()}))
            case "/checked":
                self.answer(200, json.dumps(Target.checked))
            case "/set":
                self.answer(200, self.name, cookie=url.query)
            case "/slow":
                time.sleep(int(parse_qs(url.query)["ms"][0]) / 1000)
                self.answer(200, self.name)
            case "/reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                os.close(self.connection.detach())
            case _:
                self.answer(200, self.name)

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        size = len(self.rfile.read(int(self.headers["content-length"])))
        if url.path == "/health":
            Target.health = int(parse_qs(url.query)["status"][0])
        self.answer(200, str(size))

    def answer(self, status: int, body: str, *, cookie: str = "") -> None:
        self.send_response(status)
        if cookie:
            self.send_header("set-cookie", f"{cookie}; Path=/")
        self.send_header("content-length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def lowered(self) -> dict[str, str]:
        return {key.lower(): value for key, value in self.headers.items()}

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    Target.name, host, port = sys.argv[1:]
    with Server((host, int(port)), Target) as server:
        print("ready", flush=True)  # noqa: T201 - what the test waits for
        server.serve_forever()
