"""Locust's HTTP client with names resolved by a `Resolver`: addresses change, Host stays."""

from typing import Any
from weakref import WeakKeyDictionary

from gevent import socket
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.url import URL

from deploy.errors import BadInputError
from loadtest.resolver import Resolver


class ResolvedPool(ConnectionPool):
    """Connections to the addresses that a resolver names."""

    def __init__(self, resolver: Resolver, *places: Any, **options: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(*places, **options)
        self._resolver = resolver
        self._use_until_s: WeakKeyDictionary[socket.socket, float] = WeakKeyDictionary()

    def _create_socket(self) -> socket.socket:
        failure: OSError | None = None
        for attempt in self._resolver.attempts(self._connection_host):
            try:
                made = self._connect(attempt.address)
            except OSError as error:
                failure = failure or error
            else:
                self._use_until_s[made] = attempt.use_until_s
                return made
        raise failure or OSError(f"{self._connection_host} has no address")

    def _connect(self, address: str) -> socket.socket:
        made = self._create_tcp_socket(socket.AF_INET, socket.SOCK_STREAM, 0)
        try:
            made.settimeout(self.connection_timeout)
            self._connect_socket(made, (address, self._connection_port))
            self.after_connect(made)
            made.settimeout(self.network_timeout)
        except BaseException:
            made.close()
            raise
        return made

    def _is_socket_alive(self, sock: socket.socket | None) -> bool:
        """Take no connection from the pool that has been used long enough."""
        if sock is None or self._resolver.clock() >= self._use_until_s.get(sock, 0):
            return False
        return super()._is_socket_alive(sock)


def resolved(client: HTTPClient, resolver: Resolver) -> HTTPClient:
    """Let a client that has no connections yet ask a resolver."""
    if client.ssl:
        raise BadInputError("names are looked up for http only", remedy="leave out --dns")
    # It takes neither a pool nor a resolver: this is the one way in.
    before = client._connection_pool  # noqa: SLF001
    client._connection_pool = ResolvedPool(  # noqa: SLF001
        resolver,
        client.host,
        client.port,
        client.host,
        client.port,
        size=before.size,
        connection_timeout=before.connection_timeout,
        network_timeout=before.network_timeout,
    )
    return client


class ResolvedClients(HTTPClientPool):
    """What a FastHttpUser takes its clients from."""

    def __init__(self, resolver: Resolver, **options: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(**options)
        self._resolver = resolver

    def get_client(self, url: str | URL) -> HTTPClient:
        """Make a client for each host and port at its first use."""
        known = len(self.clients)
        client = super().get_client(url)
        return client if len(self.clients) == known else resolved(client, self._resolver)
