"""A DNS server's sockets: UDP and TCP on one address, on asyncio.

Nothing that arrives ends it: what cannot be answered is dropped, and a TCP client that says
nothing is hung up on.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TypeAlias, cast

from deploy.lab.edge.http import socket_address

log = logging.getLogger(__name__)

# Between two questions on one connection, and to take an answer.
TCP_PATIENCE_S = 10.0

# A packet and whether it came over UDP; None answers nothing.
Respond: TypeAlias = Callable[[bytes, bool], bytes | None]


class DnsServer:
    """Answers on an address and port once it is open."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._tcp: asyncio.Server | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def open(self, address: str, port: int) -> None:
        """Listen; raises OSError when the address cannot be bound."""
        socket_address(address, port)
        # TCP first: its port can be had only once, while the UDP port may be shared with
        # others. Port 5353 is mDNS's, which a desktop's own service holds on all addresses.
        self._tcp = await asyncio.start_server(self._converse, address, port, backlog=1024)
        try:
            self._udp = await self._open_udp(address, port)
        except OSError:
            self.close()
            raise

    async def _open_udp(self, address: str, port: int) -> asyncio.DatagramTransport:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.bind((address, port))
            udp.setblocking(False)
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._respond), sock=udp
            )
        except OSError:
            udp.close()
            raise
        return transport

    def close(self) -> None:
        """Listen no more, and hang up on everyone."""
        if self._tcp:
            self._tcp.close()
        if self._udp:
            self._udp.close()
        for connection in self._connections:
            connection.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question after the other; each has its length before it."""
        self._connections.add(writer)
        try:
            while True:
                async with asyncio.timeout(TCP_PATIENCE_S):
                    length = int.from_bytes(await reader.readexactly(2))
                    packet = await reader.readexactly(length)
                    if (answer := self._respond(packet, False)) is None:
                        break
                    writer.write(len(answer).to_bytes(2) + answer)
                    await writer.drain()
        except (OSError, EOFError):  # TimeoutError is an OSError
            pass
        finally:
            self._connections.discard(writer)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: asyncio's own is one in all but name (Python 3.11).
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport and (answer := self._respond(data, True)) is not None:
            self._transport.sendto(answer, addr)
