"""A TCP forwarder that can be led elsewhere while it listens.

Half-closed connections stay half open, a side that cannot write makes the other stop reading,
and a broken connection is broken for both ends.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from typing import TypeAlias

from deploy.lab.edge.http import socket_address

# To a target that is frozen rather than dead.
CONNECT_TIMEOUT_S = 10.0

# An address and a port.
Place: TypeAlias = tuple[str, int]


class _Side(asyncio.Protocol):
    """One end of a forwarded connection: what it receives goes to the other end."""

    other: "_Side"
    transport: asyncio.Transport | None = None
    finished = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP, for the type checker
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other.transport:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass on the half-close; close both ends after the second."""
        self.finished = True
        if self.other.transport:
            self.other.transport.write_eof()
        if self.other.finished:
            self.close()
            self.other.close()
        return True

    def pause_writing(self) -> None:
        self.other.hold()

    def resume_writing(self) -> None:
        self.other.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc:
            self.other.reset()
        else:
            self.other.close()

    def hold(self) -> None:
        """Read nothing for now."""
        if self.transport:
            self.transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        if self.transport:
            self.transport.resume_reading()

    def close(self) -> None:
        """Send what is left to send, then close."""
        if self.transport:
            self.transport.close()

    def reset(self) -> None:
        """Drop the connection as a peer that is gone would: with a reset, at once."""
        if self.transport and not self.transport.is_closing():
            # Linger for no time: the kernel sends RST instead of FIN.
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self.transport.abort()


class _Client(_Side):
    """The end towards the client; it makes the other one, towards the target."""

    def __init__(self, door: "Door") -> None:
        self._door = door
        self._connecting: asyncio.Task[None] | None = None
        # What the client sent before there was somewhere to write it.
        self._early = b""
        self.other = _Side()
        self.other.other = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._door.clients.add(self)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        if self.other.transport:
            super().data_received(data)
        else:
            # Held only here: asyncio before Python 3.11.4 forgets a pause that comes before
            # the first read.
            self._early += data
            self.hold()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await loop.create_connection(lambda: self.other, *self._door.target)
        except OSError:  # TimeoutError is one
            self.reset()
        else:
            if self.transport and not self.transport.is_closing():
                self._catch_up()
            else:
                self.other.reset()

    def _catch_up(self) -> None:
        """Pass on what came early, and go on."""
        assert self.other.transport  # noqa: S101 - it is connected, for the type checker
        self.other.transport.write(self._early)
        self._early = b""
        if self.finished:
            self.other.transport.write_eof()
        else:
            self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.clients.discard(self)
        super().connection_lost(exc)

    def break_off(self) -> None:
        """Break the connection at both ends."""
        if self._connecting:
            self._connecting.cancel()
        self.reset()
        self.other.reset()


@dataclass(eq=False)
class Door:
    """One public address and port that is listening, and where it leads."""

    target: Place
    clients: set[_Client] = field(default_factory=set)
    server: asyncio.Server | None = None

    async def open(self, public: Place) -> None:
        """Listen; raises OSError when the address cannot be bound."""
        socket_address(*public)
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: _Client(self), *public, backlog=1024)

    def lead_to(self, target: Place) -> None:
        """Lead new connections there and break those that lead elsewhere."""
        self.target = target
        self._break_all()

    def close(self) -> None:
        """Refuse connections and break those that are open."""
        if self.server:
            self.server.close()
        self._break_all()

    def _break_all(self) -> None:
        for client in list(self.clients):
            client.break_off()
