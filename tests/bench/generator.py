"""A closed-loop load generator: some connections, each with one request under way at any time.

Raw sockets, because a generator that costs as much as the server would measure itself.
"""

import asyncio
import functools
import json
import time
from dataclasses import dataclass, field

BODY = json.dumps({"body": "x" * 180}).encode()


@dataclass
class Tally:
    """What came back."""

    accepted: int = 0
    failed: int = 0
    until_s: float = 0.0
    all_done: asyncio.Event = field(default_factory=asyncio.Event)
    open_connections: int = 0


class Connection(asyncio.Protocol):
    """Send the same request again and again until the time is over."""

    def __init__(self, tally: Tally, port: int) -> None:
        self._tally = tally
        self._request = (
            b"POST /messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (port, len(BODY), BODY)
        )
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._tally.open_connections += 1
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        self._received = b""
        if head.startswith(b"HTTP/1.1 202"):
            self._tally.accepted += 1
        else:
            self._tally.failed += 1
        if time.perf_counter() < self._tally.until_s:
            self._transport.write(self._request)
        else:
            self._transport.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._tally.open_connections -= 1
        if not self._tally.open_connections:
            self._tally.all_done.set()


async def load(port: int, *, seconds: float, connections: int) -> Tally:
    """Load one server; every request that was sent has its answer when this returns."""
    tally = Tally(until_s=time.perf_counter() + seconds)
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(functools.partial(Connection, tally, port), "127.0.0.1", port)
    await tally.all_done.wait()
    return tally
