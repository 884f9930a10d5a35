"""The decision service's socket, and the server on it for as long as the edge runs."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from deploy.lab.edge.waf.service import Protection

log = logging.getLogger(__name__)

# Longer than Envoy keeps an idle connection to it: Envoy is to close first.
KEEP_ALIVE_S = 60
RETRY_S = 1.0


class _Server(uvicorn.Server):
    """Signals are the edge's own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(protection: Protection, address: str, port: int) -> None:
    """Answer Envoy until cancelled; a port that is taken is tried again."""
    config = uvicorn.Config(
        protection,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )
    while True:
        # asyncio turns Nagle's algorithm off only where the protocol is named; with it on, every
        # decision waits 40 ms for an acknowledgement.
        listening = socket.socket(proto=socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address, port))
        except OSError as error:
            listening.close()
            log.warning("web ACLs: %s:%s cannot be listened on: %s", address, port, error)
            await asyncio.sleep(RETRY_S)
            continue
        with listening:
            await _Server(config).serve(sockets=[listening])
        return
