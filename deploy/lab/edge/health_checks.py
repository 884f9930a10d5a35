"""Route 53's health checks: ask endpoints regularly, count, say who is healthy.

On AWS more than a dozen checkers all over the world do this and vote; here it is one.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from deploy.lab.edge.http import socket_address
from deploy.lab.edge.wanted import Json

log = logging.getLogger(__name__)

# HTTP: a connection within four seconds, and a status of 2xx or 3xx within two more. TCP: a
# connection within ten. docs.aws.amazon.com/Route53/latest/DeveloperGuide/
# dns-failover-determining-health-of-endpoints.html, 2026-11
CONNECT_TIMEOUT_S = {"HTTP": 4.0, "TCP": 10.0}
ANSWER_TIMEOUT_S = 2.0
PASSING = range(200, 400)


@dataclass(frozen=True)
class HealthCheck:
    """What is asked, how often, and how many answers in a row change the status."""

    id: str
    type: str
    address: str
    port: int
    path: str
    interval_s: float
    failure_threshold: int
    # What the Host header says; the address when it is None.
    host: str | None = None


@dataclass(frozen=True)
class Status:
    """How an endpoint is, how many checks in a row spoke against that, and what was wrong last.

    A new check counts as healthy until it is known better (the page named above).
    """

    healthy: bool = True
    against: int = 0
    fault: str = ""


def after(before: Status, fault: str, *, threshold: int) -> Status:
    """Count one check. The threshold is the same in both directions. Pure.

    >>> after(Status(healthy=True, against=2), "status 500", threshold=3)
    Status(healthy=False, against=0, fault='status 500')
    """
    passed = not fault
    if passed == before.healthy:
        return Status(before.healthy, fault=fault)
    if before.against + 1 >= threshold:
        return Status(passed, fault=fault)
    return Status(before.healthy, before.against + 1, fault)


def health_checks(document: Json) -> tuple[HealthCheck, ...]:
    """Read the health checks of the state document; none when it has no such key.

    Raises:
        KeyError, TypeError, ValueError: It is not what the emulator promised.
    """
    return tuple(
        HealthCheck(
            id=check["id"],
            type=check["type"],
            address=check["address"],
            port=int(check["port"]),
            path=check["path"],
            interval_s=float(check["interval_s"]),
            failure_threshold=int(check["failure_threshold"]),
            host=check.get("host"),
        )
        for check in document.get("health_checks", ())
    )


def refusal(check: HealthCheck) -> str:
    """Why the lab does not carry out a check, which then stays healthy; empty when it does."""
    if check.type not in CONNECT_TIMEOUT_S:
        return f"health check {check.id}: type {check.type}"
    try:
        socket_address(check.address, check.port)
    except ValueError as error:
        return f"health check {check.id}: {error}"
    return ""


async def ask(check: HealthCheck) -> str:
    """Ask the endpoint once and say what is wrong; empty when nothing is."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S[check.type]):
            reader, writer = await asyncio.open_connection(check.address, check.port)
    except OSError as error:  # TimeoutError is one
        return f"no connection: {error!r}"
    try:
        return await _answer(check, reader, writer) if check.type == "HTTP" else ""
    except (OSError, ValueError) as error:
        return f"no answer: {error!r}"
    finally:
        writer.transport.abort()


async def _answer(
    check: HealthCheck, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> str:
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        writer.write(_request(check))
        status = _status(await reader.readline())
    return "" if status in PASSING else f"status {status}"


def _request(check: HealthCheck) -> bytes:
    # As health-checks-creating-values.html describes path and Host header, 2026-11.
    name = check.host or check.address
    host = name if check.port == 80 else f"{name}:{check.port}"  # noqa: PLR2004 - HTTP's own
    path = check.path if check.path.startswith("/") else f"/{check.path}"
    headers = f"Host: {host}\r\nUser-Agent: Amazon-Route-53-Health-Check-Service\r\n"
    return f"GET {path} HTTP/1.1\r\n{headers}Accept: */*\r\nConnection: close\r\n\r\n".encode()


def _status(line: bytes) -> int:
    protocol, _, rest = line.decode("latin-1").partition(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError(f"{line!r} is no HTTP")
    return int(rest[:3])


class HealthChecks:
    """All health checks of a lab: `want` says what should be, `keep` carries them out."""

    def __init__(self) -> None:
        self._wanted: tuple[HealthCheck, ...] = ()
        self._changed = asyncio.Event()
        self._statuses: dict[str, Status] = {}
        self._tasks: dict[HealthCheck, asyncio.Task[None]] = {}

    def want(self, checks: tuple[HealthCheck, ...]) -> None:
        """Take in what should be. A check that is changed keeps its status."""
        self._wanted = checks
        self._statuses = {check.id: self._statuses.get(check.id, Status()) for check in checks}
        self._changed.set()

    async def keep(self) -> None:
        """Check as wanted, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                wanted = {check for check in self._wanted if not refusal(check)}
                for check in self._tasks.keys() - wanted:
                    self._tasks.pop(check).cancel()
                for check in wanted - self._tasks.keys():
                    self._tasks[check] = group.create_task(self._check(check))
                await self._changed.wait()

    @property
    def failing(self) -> frozenset[str]:
        """Ids of the checks that are unhealthy."""
        return frozenset(id_ for id_, status in self._statuses.items() if not status.healthy)

    @property
    def unsupported(self) -> tuple[str, ...]:
        """What was wanted and is not done."""
        return tuple(filter(None, map(refusal, self._wanted)))

    def document(self) -> dict[str, Any]:
        """Say how each is, the way the emulator takes it."""
        return {
            id_: {"healthy": status.healthy}
            | ({} if status.healthy or not status.fault else {"reason": status.fault})
            for id_, status in self._statuses.items()
        }

    async def _check(self, check: HealthCheck) -> None:
        while True:
            fault = await ask(check)
            before = self._statuses[check.id]
            status = after(before, fault, threshold=check.failure_threshold)
            if status.healthy != before.healthy:
                how = "healthy" if status.healthy else f"unhealthy: {fault}"
                log.info("health check %s of %s:%d is %s", check.id, check.address, check.port, how)
            self._statuses[check.id] = status
            # On AWS too the interval is from an answer to the next question.
            await asyncio.sleep(check.interval_s)
