"""A client's way with names: which addresses it goes to, and for how long.

It asks the name server it is given, never the system's. Its habits decide how soon it notices
that an address is gone: whether it caches, whether it tries another address when one does not
answer, and whether it goes on with a connection when the TTL of its address is over.
"""

import ipaddress
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from deploy.errors import BadInputError
from deploy.lab.edge.dns.stub import Addresses, LookUpFailedError, look_up

# A client that retries asks a silent server as often: `attempts` of resolv.conf(5) is 2.
ASK_AT_MOST = 2

# What the DNS asks of a client, as it is typed.
HONEST = "cache,retry"

# Names to addresses; raises LookUpFailedError.
LookUp: TypeAlias = Callable[[str], Addresses]


@dataclass(frozen=True)
class Habits:
    """What a client does with names. By default, what the DNS asks of it."""

    # Keep an answer for its TTL; otherwise ask for every connection.
    cache: bool = True
    # Try the other addresses when one does not answer, then ask again; otherwise only the first.
    retry: bool = True
    # Go on with a connection after the TTL of the answer it came from. Without a cache, that is
    # from the beginning: so do most HTTP clients, which pool connections and cache no names.
    keep_alive: bool = False

    @classmethod
    def of(cls, text: str) -> "Habits":
        """Read a list of habits; a client has those that are named.

        >>> Habits.of("cache,keep-alive")
        Habits(cache=True, retry=False, keep_alive=True)
        """
        named = {word.strip() for word in text.split(",")} - {""}
        if unknown := named - {"cache", "retry", "keep-alive"}:
            raise BadInputError(
                f"there is no habit called {min(unknown)!r}", remedy="cache, retry, keep-alive"
            )
        return cls("cache" in named, "retry" in named, "keep-alive" in named)


@dataclass(frozen=True)
class Attempt:
    """An address to connect to, and how long the connection may be used for new requests."""

    address: str
    use_until_s: float


@dataclass(frozen=True)
class _Kept:
    addresses: tuple[str, ...]
    until_s: float


class Resolver:
    """One client's knowledge of names. Safe between threads, and between greenlets."""

    def __init__(
        self,
        look_up: LookUp,
        habits: Habits = Habits(),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.habits = habits
        self.clock = clock
        self.asked = 0
        self._look_up = look_up
        self._kept: dict[str, _Kept] = {}
        # So that those who find an answer expired at the same moment ask once.
        self._asking = threading.Lock()

    def attempts(self, host: str) -> Iterator[Attempt]:
        """Say where to connect to, in turn until one answers.

        Raises:
            LookUpFailedError: The name does not resolve.
        """
        if _is_address(host):
            yield Attempt(host, math.inf)
            return
        first = self._known(host)
        yield from self._of(first)[: None if self.habits.retry else 1]
        if self.habits.retry:
            self._kept.pop(host, None)
            again = self._known(host)
            yield from (a for a in self._of(again) if a.address not in first.addresses)

    def _of(self, known: _Kept) -> list[Attempt]:
        use_until_s = math.inf if self.habits.keep_alive else known.until_s
        return [Attempt(address, use_until_s) for address in known.addresses]

    def _known(self, name: str) -> _Kept:
        """Take what is kept, or ask."""
        if not self.habits.cache:
            # Good for the connection that is about to be made and no other.
            return _Kept(self._ask(name).addresses, self.clock())
        with self._asking:
            kept = self._kept.get(name)
            if kept is None or self.clock() >= kept.until_s:
                asked_at_s = self.clock()
                answer = self._ask(name)
                kept = self._kept[name] = _Kept(answer.addresses, asked_at_s + answer.ttl_s)
            return kept

    def _ask(self, name: str) -> Addresses:
        left = ASK_AT_MOST if self.habits.retry else 1
        while True:
            left -= 1
            self.asked += 1
            try:
                return self._look_up(name)
            except LookUpFailedError as error:
                if not (left and error.may_pass):
                    raise


def resolver(server: str, habits: Habits) -> Resolver:
    """Ask a name server, named as `127.9.0.53:5353`."""
    address, _, port = server.partition(":")
    if not _is_address(address) or not (port or "53").isdigit():
        raise BadInputError(
            f"{server!r} is no name server", remedy="write address and port, as 127.9.0.53:5353"
        )
    return Resolver(partial(look_up, server=(address, int(port or 53))), habits)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
