"""Elastic IPs: forwarders that listen on public addresses and lead to instances.

As on AWS, re-association takes effect after a delay, established connections break then, and
an address without an instance refuses connections. Unlike AWS, where packets to a crashed
instance vanish and the client waits for its own timeout, a connection to a target that does
not listen is reset at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from deploy.lab.edge.forwarder import Door, Place
from deploy.lab.edge.wanted import ElasticIp

log = logging.getLogger(__name__)

# A port that could not be bound is tried again; its owner may have gone.
RETRY_S = 1.0


@dataclass(frozen=True)
class Address:
    """An Elastic IP: where it leads, and when the wanted association takes effect."""

    wanted: ElasticIp
    leads_to: str | None = None
    changes_at_s: float | None = None


def after(
    wanted: Iterable[ElasticIp], before: Mapping[str, Address], *, now_s: float, delay_s: float
) -> dict[str, Address]:
    """Say where each address leads now, given where it led before. Pure."""
    return {
        ip.public_ip: _address(
            ip, before.get(ip.public_ip, Address(ip)), now_s=now_s, delay_s=delay_s
        )
        for ip in wanted
    }


def _address(ip: ElasticIp, before: Address, *, now_s: float, delay_s: float) -> Address:
    if ip.target == before.leads_to:
        return Address(ip, ip.target)
    pending = before.changes_at_s is not None and before.wanted.target == ip.target
    changes_at_s = before.changes_at_s if pending else now_s + delay_s
    if changes_at_s is None or changes_at_s <= now_s:
        return Address(ip, ip.target)
    return Address(ip, before.leads_to, changes_at_s)


def doors(addresses: Iterable[Address]) -> dict[Place, Place]:
    """Every public address and port that should listen, and where it should lead. Pure."""
    return {
        (address.wanted.public_ip, port): (address.leads_to, port)
        for address in addresses
        if address.leads_to
        for port in address.wanted.ports
    }


class ElasticIps:
    """All Elastic IPs of a lab: `want` says what should be, `keep` makes it so."""

    def __init__(self, *, delay_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._delay_s = delay_s
        self._clock = clock
        self._wanted: tuple[ElasticIp, ...] | None = None
        self._changed = asyncio.Event()
        self._addresses: dict[str, Address] = {}
        self._doors: dict[Place, Door] = {}

    def want(self, ips: tuple[ElasticIp, ...]) -> None:
        """Take in what should be. What stood before we started takes effect at once."""
        delay_s = 0 if self._wanted is None else self._delay_s
        self._wanted = ips
        self._addresses = after(ips, self._addresses, now_s=self._clock(), delay_s=delay_s)
        self._changed.set()

    async def keep(self) -> None:
        """Listen and lead as wanted, until cancelled."""
        try:
            while True:
                self._changed.clear()
                failed = await self._reconcile()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), self._rest_s(failed=failed))
        finally:
            for door in self._doors.values():
                door.close()

    def status(self) -> dict[str, str]:
        """Where each listening address and port leads, for people."""
        return {
            f"{ip}:{port}": f"{door.target[0]}:{door.target[1]}"
            for (ip, port), door in self._doors.items()
        }

    async def _reconcile(self) -> bool:
        """Open, switch and close doors; true when one could not be opened."""
        now_s = self._clock()
        self._addresses = after(
            self._wanted or (), self._addresses, now_s=now_s, delay_s=self._delay_s
        )
        wanted = doors(self._addresses.values())
        for public in self._doors.keys() - wanted.keys():
            self._doors.pop(public).close()
            log.info("%s:%d refuses connections", *public)
        for public, target in wanted.items():
            if (door := self._doors.get(public)) and door.target != target:
                door.lead_to(target)
                log.info("%s:%d leads to %s now", *public, target[0])
        missing = wanted.keys() - self._doors.keys()
        return not all([await self._open(public, wanted[public]) for public in missing])

    async def _open(self, public: Place, target: Place) -> bool:
        door = Door(target)
        try:
            await door.open(public)
        except (OSError, ValueError) as error:
            log.error("%s:%d cannot be opened, trying again: %s", *public, error)  # noqa: TRY400
            return False
        self._doors[public] = door
        log.info("%s:%d leads to %s", *public, target[0])
        return True

    def _rest_s(self, *, failed: bool) -> float | None:
        """How long nothing needs doing, unless something changes."""
        changes = [a.changes_at_s for a in self._addresses.values() if a.changes_at_s is not None]
        due = [at_s - self._clock() for at_s in changes] + ([RETRY_S] if failed else [])
        return max(0, min(due)) if due else None
