"""A lab of nothing but an edge: fake emulator, real Envoy, real edge process, real targets."""

import itertools
import json
import random
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from deploy.lab.addresses import HTTP_PORT, Addresses
from deploy.lab.edge.envoy import envoy_command, write_bootstrap
from deploy.lab.ports import reserve, taken
from deploy.waiting import Patience
from tests.contract.edge.fake_emulator import FakeEmulator

soon = Patience(every_s=0.02)
# AWS's shortest interval is 5 s; a test has no time for that.
INTERVAL_S = 0.25
CHECK = {
    "path": "/health",
    "port": "traffic-port",
    "interval_s": INTERVAL_S,
    "timeout_s": 1,
    "healthy_threshold": 2,
    "unhealthy_threshold": 2,
    "matcher": "200",
}


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            yield process
        finally:
            process.kill()


@dataclass
class Backend:
    """A target that can be killed and started again at the same address."""

    name: str
    address: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("backend.py"))]
        self.process = subprocess.Popen(
            [*command, self.name, self.address, str(self.port)], stdout=subprocess.PIPE
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        assert self.process
        assert self.process.stdout
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def answer_health(self, status: int) -> None:
        url = f"http://{self.address}:{self.port}/health?status={status}"
        urllib.request.urlopen(url, data=b"", timeout=5).close()

    def last_health_check(self) -> dict[str, str]:
        """The headers of the last health check, not counting ours."""
        _, body = ask((self.address, self.port), "/checked")
        headers: dict[str, str] = json.loads(body)
        return headers

    def target(self, *, draining: bool = False) -> dict[str, Any]:
        return {"id": self.address, "address": self.address, "port": self.port} | {
            "draining": draining
        }


@dataclass
class Alb:
    """A load balancer with one listener, seen from both sides."""

    lab: "EdgeLab"
    balancer: dict[str, Any]
    group: dict[str, Any]

    @property
    def place(self) -> tuple[str, int]:
        return self.balancer["address"], HTTP_PORT

    def lead_to(self, *targets: dict[str, Any]) -> None:
        self.lab.emulator.change(self.group, targets=list(targets))

    def state(self, backend: Backend) -> str:
        observed = self.lab.emulator.observed.get(self.group["arn"], {})
        return str(observed.get(f"{backend.address}:{backend.port}", {}).get("state"))

    def wait_until(self, state: str, *backends: Backend) -> None:
        for backend in backends:
            soon.until(
                lambda backend=backend: self.state(backend) == state,  # type: ignore[misc]
                what=f"{backend.name} to be {state}",
                timeout_s=20,
            )


@dataclass
class EdgeLab:
    """One fake emulator, one Envoy, one edge; tests add what they need."""

    addresses: Addresses
    state: Path
    emulator: FakeEmulator
    stack: ExitStack
    envoy: subprocess.Popen[bytes] = field(init=False)
    edge: subprocess.Popen[bytes] = field(init=False)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def start_envoy(self) -> None:
        write_bootstrap(self.state, self.addresses)
        command = envoy_command(self.state)
        self.envoy = self.stack.enter_context(running(command, self.state / "envoy.log"))

    def start_edge(self, *options: str) -> None:
        command = [sys.executable, "-m", "deploy.lab.edge", "--state", str(self.state)]
        command += ["--octet", str(self.addresses.octet), *options]
        self.edge = self.stack.enter_context(running(command, self.state / "edge.log"))

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads((self.state / "edge.json").read_text())
        return status

    def active_requests(self, alb: Alb) -> int:
        """How many requests Envoy has in flight for a load balancer's listener."""
        name = f"http.{alb.balancer['name']}-{HTTP_PORT}.downstream_rq_active"
        _, body = ask(self.addresses.envoy_admin, f"/stats?filter=^{name}$")
        return int(body.rpartition(":")[2] or 0)

    def backend(self, name: str, *, instance: bool = False) -> Backend:
        number = next(self.numbers)
        address = self.addresses.instance(number) if instance else self.addresses.task(number)
        backend = Backend(name, address, HTTP_PORT if instance else 8000)
        backend.start()
        self.stack.callback(backend.kill)
        return backend

    def alb(
        self,
        *targets: Backend,
        check: dict[str, Any] | None = None,
        group: dict[str, Any] | None = None,
        attributes: dict[str, str] | None = None,
        rules: list[dict[str, Any]] | None = None,
    ) -> Alb:
        """Make a load balancer that leads to the targets, and wait until it listens."""
        number = next(self.numbers)
        arn = f"arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/g{number}/{number}"
        target_group = {
            "arn": arn,
            "name": f"g{number}",
            "port": 8000,
            "protocol": "HTTP",
            "target_type": "ip",
            "health_check": CHECK | (check or {}),
            "attributes": {},
            "targets": [backend.target() for backend in targets],
        } | (group or {})
        balancer = {
            "arn": f"arn:aws:elasticloadbalancing:us-east-1:0:loadbalancer/app/lb{number}/1",
            "name": f"lb{number}",
            "address": self.addresses.load_balancer(number),
            "attributes": attributes or {},
            "listeners": [
                {
                    "arn": f"listener-{number}",
                    "port": HTTP_PORT,
                    "protocol": "HTTP",
                    "default_actions": [{"Type": "forward", "TargetGroupArn": arn}],
                    "rules": rules or [],
                }
            ],
        }
        self.emulator.add("target_groups", target_group)
        self.emulator.add("load_balancers", balancer)
        alb = Alb(self, balancer, target_group)
        soon.until(lambda: listens(*alb.place), what="the load balancer to listen", timeout_s=10)
        return alb


def listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def ask(  # noqa: PLR0913 - a request has that many parts
    place: tuple[str, int],
    path: str = "/",
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    timeout_s: float = 10,
) -> tuple[HTTPResponse, str]:
    """One request on its own connection."""
    connection = HTTPConnection(*place, timeout=timeout_s)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


@contextmanager
def edge_lab(state: Path, *, speed: float = 50) -> Iterator[EdgeLab]:
    """Start everything on addresses that nobody uses, and leave nothing behind."""
    (state / "lab.json").write_text(json.dumps({"speed": speed}))
    with ExitStack() as stack:
        addresses = Addresses(stack.enter_context(_free_octet()))
        emulator = FakeEmulator(addresses.emulator_url.split("/")[2].split(":")[0], 4566)
        emulator.start()
        stack.callback(emulator.stop)
        lab = EdgeLab(addresses, state, emulator, stack)
        lab.start_envoy()
        lab.start_edge()
        soon.until((state / "edge.json").exists, what="the edge", timeout_s=20)
        yield lab


@contextmanager
def _free_octet() -> Iterator[int]:
    """Reserve an octet as a lab does, so that neither a lab nor another test run takes it."""
    for octet in random.sample(range(180, 250), 70):
        if held := reserve(octet):
            with held:
                if not taken(octet):
                    yield octet
                    return
    raise RuntimeError("no free range of loopback addresses")
