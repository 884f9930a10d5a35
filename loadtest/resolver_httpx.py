"""An httpx2 transport with names resolved by a `Resolver`: addresses change, Host stays."""

import asyncio
from collections.abc import AsyncIterator

import httpx2

from loadtest.resolver import Attempt, Resolver


class ResolvedTransport(httpx2.AsyncBaseTransport):
    """One client: it stays with an address as long as a connection to it may be used.

    A connection that the server closed is made again to the same address.
    """

    def __init__(
        self, resolver: Resolver, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._resolver = resolver
        self._transport = transport or httpx2.AsyncHTTPTransport(trust_env=False)
        self._in_use: dict[str, Attempt] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request to the first address that takes a connection."""
        host = request.url.host
        failure: Exception | None = None
        tried = set()
        try:
            async for attempt in self._attempts(host):
                if attempt.address in tried:
                    continue
                tried.add(attempt.address)
                try:
                    response = await self._transport.handle_async_request(
                        _sent_to(attempt.address, request)
                    )
                except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                    failure = failure or error
                    self._in_use.pop(host, None)
                else:
                    self._in_use[host] = attempt
                    return response
        except OSError as error:
            failure = failure or error
        raise httpx2.ConnectError(str(failure)) from failure

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _attempts(self, host: str) -> AsyncIterator[Attempt]:
        in_use = self._in_use.get(host)
        if in_use and self._resolver.clock() < in_use.use_until_s:
            yield in_use
        attempts = self._resolver.attempts(host)
        while attempt := await asyncio.to_thread(next, attempts, None):
            yield attempt


def _sent_to(address: str, request: httpx2.Request) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
