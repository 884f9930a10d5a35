"""The edge as a process: follow the emulator, steer Envoy, forward, answer DNS, report health.

Everything that is wanted comes from the emulator and everything Envoy does is in its files,
so each of the three can die and come back: the emulator away means that nothing changes,
Envoy away means that health stays as last seen.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx2

from deploy.lab.addresses import Addresses
from deploy.lab.edge import envoy, health
from deploy.lab.edge.dns.route53 import Route53
from deploy.lab.edge.elastic_ips import ElasticIps
from deploy.lab.edge.forwarding import Settings
from deploy.lab.edge.waf.server import serve
from deploy.lab.edge.waf.service import Protection
from deploy.lab.edge.wanted import Json, Wanted, wanted

log = logging.getLogger(__name__)

LONG_POLL_S = 20
LOOK_EVERY_S = 0.25
AGAIN_S = 0.2


class Edge:
    """One lab's edge. `run` ends only by being cancelled."""

    def __init__(
        self,
        addresses: Addresses,
        state: Path,
        *,
        settings: Settings,
        move_delay_s: float,
        rate_check_s: float,
    ) -> None:
        self._addresses = addresses
        self._settings = settings
        self._files = envoy.folder(state)
        self._status_file = state / "edge.json"
        self._wanted = Wanted(version=-1)
        self._unsupported: tuple[str, ...] = ()
        self._rejected: dict[str, int] = {}
        self._health: health.Report = {}
        self._reported: dict[str, Any] = {}
        self._complaints: dict[str, str] = {}
        self._ips = ElasticIps(delay_s=move_delay_s)
        self._protection = Protection(rate_check_s)
        self._names = Route53(*addresses.dns)
        host, port = addresses.envoy_admin
        self._admin = httpx2.AsyncClient(base_url=f"http://{host}:{port}", timeout=2)
        self._emulator = httpx2.AsyncClient(base_url=addresses.emulator_url, timeout=5)

    async def run(self) -> None:
        """Do all of it until cancelled."""
        async with self._admin, self._emulator, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ips.keep())
            tasks.create_task(self._names.keep())
            tasks.create_task(serve(self._protection, *self._addresses.web_acls))
            tasks.create_task(self._follow())
            tasks.create_task(self._watch())

    async def _follow(self) -> None:
        """Pull every new version of the state document and act on it."""
        since = -1
        while True:
            try:
                document = await self._pull(since)
            except (httpx2.HTTPError, ValueError) as error:
                self._complain(
                    "emulator", f"no state from the emulator, nothing changes: {error!r}"
                )
                # An emulator that was started anew counts from the beginning.
                since = -1
                self._reported = {}
                await asyncio.sleep(AGAIN_S)
                continue
            self._complain("emulator", "")
            if document["version"] != since:
                since = document["version"]
                self._try(document)

    async def _pull(self, since: int) -> Json:
        response = await self._emulator.get(
            "/_lab/state",
            params={"since": since, "wait": LONG_POLL_S},
            timeout=LONG_POLL_S + 10,
        )
        document: Json = response.raise_for_status().json()
        return document

    def _try(self, document: Json) -> None:
        """Act on a version; one that cannot be read or written down changes nothing."""
        try:
            latest = wanted(document)
            self._take_in(latest)
            self._names.want(document, latest)
        except (KeyError, TypeError, ValueError, OSError) as error:
            log.exception("state %s is of no use, nothing changes", document["version"])
            self._unsupported = (f"state {document['version']}: {error!r}",)

    def _take_in(self, latest: Wanted) -> None:
        made = envoy.resources(
            latest, files=self._files, addresses=self._addresses, settings=self._settings
        )
        # Before Envoy asks about a load balancer, there is an answer.
        refused = self._protection.want(acl.document for acl in latest.web_acls)
        envoy.write(made, self._files)
        self._ips.want(latest.elastic_ips)
        self._wanted = latest
        unsupported = (*made.unsupported, *refused)
        for what in set(unsupported) - set(self._unsupported):
            log.error("unsupported: %s", what)
        self._unsupported = unsupported

    async def _watch(self) -> None:
        """Look at Envoy, say how the targets are, and write down how we are."""
        while True:
            try:
                await self._look()
            except (httpx2.HTTPError, ValueError) as error:
                self._complain("envoy", f"no answer from Envoy, health stays as seen: {error!r}")
            else:
                self._complain("envoy", "")
            await self._tell()
            self._write_status()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        clusters, stats = [
            (await self._admin.get(path)).raise_for_status().json()
            for path in ("/clusters?format=json", "/stats?filter=update_rejected&format=json")
        ]
        self._health = health.report(
            self._wanted.target_groups,
            health.hosts(clusters),
            self._health,
            now_s=time.monotonic(),
        )
        self._names.see(self._health)
        rejected = health.rejections(stats)
        for kind, times in rejected.items():
            if times > self._rejected.get(kind, 0):
                log.error("Envoy rejected our %s; its own log says why", kind)
        self._rejected = rejected

    async def _tell(self) -> None:
        """Report to the emulator what it has not heard yet."""
        document = health.document(self._health) | self._names.observed()
        if document == self._reported:
            return
        try:
            (await self._emulator.post("/_lab/observed", json=document)).raise_for_status()
        except httpx2.HTTPError as error:
            self._complain("report", f"the emulator did not take the health report: {error!r}")
        else:
            self._complain("report", "")
            _log_changes(self._reported, document)
            self._reported = document

    def _complain(self, about: str, what: str) -> None:
        """Log a complaint when it is new, and its end; say nothing while it lasts."""
        if what != self._complaints.get(about, ""):
            log.warning("%s: %s", about, what or "well again")
            self._complaints[about] = what

    def _write_status(self) -> None:
        status = {
            "version": self._wanted.version,
            "complaints": [what for what in self._complaints.values() if what],
            "unsupported": self._unsupported,
            "rejected": self._rejected,
            "elastic_ips": self._ips.status(),
            "dns": self._names.status(),
            **health.document(self._health),
        }
        envoy.replace(self._status_file, json.dumps(status, indent=1))


def _log_changes(before: Json, now: Json) -> None:
    for line in sorted(set(_lines(now)) - set(_lines(before))):
        log.info("%s", line)


def _lines(document: Json) -> Iterable[str]:
    for arn, targets in document.get("targets", {}).items():
        for key, one in targets.items():
            yield f"target {key} of {arn.split('/')[-2]} is {one['state']} {one['reason']}".strip()
