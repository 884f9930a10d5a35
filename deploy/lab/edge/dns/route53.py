"""Route 53 as part of the edge: zones, health checks, load balancers, and the server.

Changes take effect with the next question. When the address cannot be bound, that is tried
again; everything else goes on.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from deploy.lab.edge import health
from deploy.lab.edge.dns.answers import Answer, Known, LoadBalancer, Question, answer
from deploy.lab.edge.dns.server import DnsServer
from deploy.lab.edge.dns.wire import rdata, respond
from deploy.lab.edge.dns.zones import HostedZone, canonical, hosted_zones
from deploy.lab.edge.health_checks import HealthChecks, health_checks
from deploy.lab.edge.load_balancers import of_target_groups
from deploy.lab.edge.wanted import Json, TargetGroup, Wanted

log = logging.getLogger(__name__)

# An address that could not be bound is tried again; its owner may have gone.
RETRY_S = 1.0
# A group that is not checked, as those of functions are by default, is as good as healthy.
GOOD = {"healthy", "unavailable"}


class Route53:
    """What the lab's DNS server answers: `want` and `see` change it, `keep` serves it."""

    def __init__(self, address: str, port: int, *, dice: Random | None = None) -> None:
        self._place = address, port
        self._dice = dice or Random()  # noqa: S311 - who is answered first is no secret
        self._checks = HealthChecks()
        self._zones: tuple[HostedZone, ...] = ()
        self._wanted = Wanted(version=-1)
        self._targets: health.Report = {}
        self._load_balancers: Mapping[str, LoadBalancer] = {}
        self._unsupported: tuple[str, ...] = ()
        self._complaint = ""

    def want(self, document: Json, latest: Wanted) -> None:
        """Take in a version of the state document.

        Raises:
            KeyError, TypeError, ValueError: It is not what the emulator promised.
        """
        zones, checks = hosted_zones(document), health_checks(document)
        self._zones, self._wanted = zones, latest
        self._checks.want(checks)
        self.see(self._targets)
        unsupported = (*self._checks.unsupported, *unanswerable(zones))
        for what in set(unsupported) - set(self._unsupported):
            log.error("unsupported: %s", what)
        self._unsupported = unsupported

    def see(self, targets: health.Report) -> None:
        """Take in how the targets of load balancers are."""
        self._targets = targets
        self._load_balancers = load_balancers(self._wanted, targets)

    async def keep(self) -> None:
        """Serve and check, until cancelled."""
        server = DnsServer(lambda packet, udp: respond(packet, self._answer, udp=udp))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._checks.keep())
                tasks.create_task(self._open(server))
        finally:
            server.close()

    def observed(self) -> dict[str, Any]:
        """Report on the health checks, as the emulator takes it."""
        return {"health_checks": self._checks.document()}

    def status(self) -> dict[str, Any]:
        """How it is, for people."""
        return {
            "address": "{}:{}".format(*self._place),
            "complaint": self._complaint,
            "hosted_zones": [zone.name for zone in self._zones],
            "unsupported": self._unsupported,
            **self.observed(),
        }

    def _answer(self, question: Question) -> Answer:
        known = Known(self._zones, self._checks.failing, self._load_balancers)
        return answer(question, known, self._dice)

    async def _open(self, server: DnsServer) -> None:
        while True:
            try:
                await server.open(*self._place)
            except OSError as error:
                if not self._complaint:
                    self._complaint = f"cannot listen, trying again: {error}"
                    log.error("DNS %s", self._complaint)  # noqa: TRY400 - the error says it all
                await asyncio.sleep(RETRY_S)
            else:
                self._complaint = ""
                log.info("DNS answers on %s:%d", *self._place)
                return


def load_balancers(wanted: Wanted, targets: health.Report) -> dict[str, LoadBalancer]:
    """Say where an alias to each load balancer leads, by its DNS name, and how it is. Pure."""
    users = of_target_groups(wanted)
    return {
        canonical(balancer.address): LoadBalancer(
            balancer.address,
            _is_healthy([g for g in wanted.target_groups if users.get(g.arn) == balancer], targets),
        )
        for balancer in wanted.load_balancers
    }


def _is_healthy(groups: list[TargetGroup], targets: health.Report) -> bool:
    """Say whether "evaluate target health" finds a load balancer healthy.

    Every target group that contains targets must contain a healthy one, and one without targets
    is unhealthy. AWS says both, so a group without targets counts when there is no other:
    docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html, 2026-11
    """
    occupied = [[target for target in group.targets if not target.draining] for group in groups]
    filled = [(g, kept) for g, kept in zip(groups, occupied, strict=True) if kept]
    if not filled:
        # With no group at all it only redirects or answers by itself, which cannot fail.
        return not groups
    return all(
        any(_state(targets, group, target.key) in GOOD for target in kept) for group, kept in filled
    )


def _state(targets: health.Report, group: TargetGroup, key: str) -> str:
    known = targets.get(group.arn, {}).get(key)
    return known.state if known else "initial"


def unanswerable(zones: tuple[HostedZone, ...]) -> Iterator[str]:
    """Say which records and zones the server cannot answer as Route 53 does."""
    for name, count in Counter(zone.name for zone in zones).items():
        if count > 1:
            yield f"{count} hosted zones {name}: the first answers, for the lab has one name server"
    for zone in zones:
        for record in zone.records:
            for value in record.values:
                try:
                    rdata(record.type, value)
                except Exception as error:  # noqa: BLE001 - dnslib has no class for this
                    yield f"record {record.name} {record.type} {value!r}: {error!r}"
