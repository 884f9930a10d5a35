"""What the scaling agent sees of a lab, held by a test: emulator, Envoy's admin, fleet, edge."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from deploy.lab.addresses import Addresses
from deploy.lab.edge.target_groups import cluster_name
from deploy.lab.fleet.init import Pulse
from deploy.lab.ports import reserve, taken
from deploy.waiting import Patience

soon = Patience(every_s=0.02)
# A minute takes 0.6 s, and the way of a data point to its alarm 1.5 s.
SPEED = 100.0
GROUP_ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123abcd"
LABEL = "app/lb/1/targetgroup/web/0123abcd"
CLUSTER = "arn:aws:ecs:us-east-1:000000000000:cluster/c"


def target_group(*targets: str) -> dict[str, Any]:
    """The one target group, with targets given as address:port."""
    places = [target.split(":") for target in targets]
    return {
        "arn": GROUP_ARN,
        "targets": [
            {"id": address, "address": address, "port": int(port), "draining": False}
            for address, port in places
        ],
    }


def instance(number: int, address: str) -> dict[str, Any]:
    return {
        "id": f"i-{number}",
        "address": address,
        "user_data": "",
        "instance_type": "m5.medium",
        "state": "running",
        "environment": {},
    }


def task(task_id: str, address: str) -> dict[str, Any]:
    return {
        "id": task_id,
        "address": address,
        "image": "nineways/service:0",
        "command": None,
        "environment": {},
        "cpu_units": 256,
        "memory_mib": 512,
        "stop_timeout_s": 30,
        "stopping": False,
    }


@dataclass
class FakeLab:
    """The lab's folder and its two servers."""

    addresses: Addresses
    folder: Path
    document: dict[str, Any] = field(default_factory=dict)
    # Requests a second to each target.
    rates: dict[str, float] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    container_instances: list[dict[str, Any]] = field(default_factory=list)
    healthy: tuple[str, ...] = ()
    is_deploying: bool = False
    refuses: bool = False
    # Calls that changed something: (name, desired).
    calls: list[tuple[str, int]] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    started_s: float = field(default_factory=time.monotonic)
    agent: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.document = {"version": 1, "instances": [], "tasks": [], "target_groups": []}
        self.folder.joinpath("lab.json").write_text(json.dumps({"speed": SPEED}))
        self.is_seen()

    # ---- what a test does ----

    def want(self, **keys: object) -> None:
        """Change the state document."""
        self.document = {**self.document, **keys, "version": self.document["version"] + 1}

    def is_seen(self, *, running: tuple[str, ...] = (), healthy: tuple[str, ...] = ()) -> None:
        """Change what the fleet wrote down, and which targets Envoy finds healthy."""
        machines = {machine: {"state": "running"} for machine in running}
        draft = self.folder / "fleet.new"
        draft.write_text(json.dumps(machines))
        draft.replace(self.folder / "fleet.json")
        self.healthy = healthy

    def burn(self, machine_id: str, stack: ExitStack) -> None:
        """Run a machine whose one process uses all the processor it gets."""
        script = (
            "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
        )
        # Its child is to end with it.
        process = stack.enter_context(
            subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
        )
        stack.callback(lambda: os.killpg(process.pid, 9))
        folder = self.folder / "machines" / machine_id
        folder.mkdir(parents=True)
        Pulse(process.pid, process.pid).write(folder)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The timeline's lines of one kind."""
        path = self.folder / "scaling.jsonl"
        if not path.exists():
            return []
        # The last line may be half written.
        whole = path.read_text().rpartition("\n")[0].splitlines()
        return [line for line in map(json.loads, whole) if line["event"] == event]

    def view(self) -> dict[str, Any]:
        view: dict[str, Any] = json.loads((self.folder / "scaling.json").read_text())
        return view

    def wait_for_call(self, name: str, desired: int, *, timeout_s: float = 30) -> None:
        soon.until(
            lambda: (name, desired) in self.calls,
            what=f"{name} to be asked for {desired}",
            timeout_s=timeout_s,
        )

    def wait_for_line(self, event: str) -> None:
        soon.until(lambda: bool(self.lines(event)), what=f"a line of {event}", timeout_s=10)

    # ---- what the agent asks ----

    def ecs(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "UpdateService":
            self.calls.append((asked["service"], asked["desiredCount"]))
            service = {**self.document["scalable_targets"][0], "desired": asked["desiredCount"]}
            self.want(scalable_targets=[service])
        services = self.document.get("scalable_targets") or []
        container = {"name": "web", "cpu": 512, "memory": 400}
        answers: dict[str, dict[str, Any]] = {
            "DescribeServices": {"services": [self._service(one) for one in services]},
            "UpdateService": {"service": {}},
            "ListTasks": {
                "taskArns": [f"arn:aws:ecs:us-east-1:0:task/c/{one['id']}" for one in self.tasks]
            },
            "DescribeTasks": {"tasks": self.tasks},
            "ListClusters": {"clusterArns": [CLUSTER]},
            "DescribeClusters": {"clusters": [{"capacityProviders": ["provider"]}]},
            "ListContainerInstances": {
                "containerInstanceArns": [str(n) for n in range(len(self.container_instances))]
            },
            "DescribeContainerInstances": {"containerInstances": self.container_instances},
            "DescribeTaskDefinition": {"taskDefinition": {"containerDefinitions": [container]}},
        }
        return answers[operation]

    def _service(self, service: dict[str, Any]) -> dict[str, Any]:
        state = "IN_PROGRESS" if self.is_deploying else "COMPLETED"
        return {
            "status": "ACTIVE",
            "desiredCount": service["desired"],
            "runningCount": len(self.tasks),
            "deployments": [{"rolloutState": state}],
            "loadBalancers": [{"targetGroupArn": GROUP_ARN}],
        }

    def autoscaling(self, form: dict[str, str]) -> None:
        assert form["Action"] == "SetDesiredCapacity"
        name, desired = form["AutoScalingGroupName"], int(form["DesiredCapacity"])
        self.calls.append((name, desired))
        groups = self.document["auto_scaling_groups"]
        self.want(
            auto_scaling_groups=[
                {**group, "desired": desired} if group["name"] == name else group
                for group in groups
            ]
        )

    def clusters(self) -> dict[str, Any]:
        """Envoy's /clusters, whose counters grow at the targets' rates."""
        now_s = time.monotonic()
        for target, rate in self.rates.items():
            self.counts[target] = self.counts.get(target, 0) + rate * (now_s - self.started_s)
        self.started_s = now_s
        hosts = []
        for target, count in self.counts.items():
            address, port = target.split(":")
            hosts.append(
                {
                    "address": {"socket_address": {"address": address, "port_value": int(port)}},
                    "stats": [{"name": "rq_total", "value": str(int(count))}],
                    "health_status": {"failed_active_health_check": target not in self.healthy},
                }
            )
        return {"cluster_statuses": [{"name": cluster_name(GROUP_ARN), "host_statuses": hosts}]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    lab: FakeLab

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        content = self.lab.document if url.path == "/_lab/state" else self.lab.clusters()
        self._answer(json.dumps(content), "application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if self.lab.refuses:
            self._answer('{"__type": "ServerException", "message": "no"}', "application/json", 400)
        elif target := self.headers["x-amz-target"]:
            answer = self.lab.ecs(target.partition(".")[2], json.loads(body))
            self._answer(json.dumps(answer), "application/x-amz-json-1.1")
        else:
            self.lab.autoscaling({key: value[0] for key, value in parse_qs(body).items()})
            self._answer("<SetDesiredCapacityResponse/>", "text/xml")

    def _answer(self, text: str, kind: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


@contextmanager
def fake_lab(folder: Path) -> Iterator[FakeLab]:
    """A lab on addresses that nobody uses, and nothing left of it."""
    with ExitStack() as stack:
        lab = FakeLab(Addresses(stack.enter_context(_free_octet())), folder)
        handler = type("Handler", (_Handler,), {"lab": lab})
        host, port = lab.addresses.emulator_url.removeprefix("http://").split(":")
        for place in ((host, int(port)), lab.addresses.envoy_admin):
            server = _Server(place, handler)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield lab


@contextmanager
def running_agent(lab: FakeLab) -> Iterator["subprocess.Popen[bytes]"]:
    """The agent as the supervisor starts it."""
    command = [sys.executable, "-P", "-m", "deploy.lab.scaling"]
    command += ["--octet", str(lab.addresses.octet), "--state", str(lab.folder)]
    with (
        (lab.folder / "scaling.log").open("ab") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            soon.until(
                (lab.folder / "scaling.json").exists, what="the agent's first look", timeout_s=20
            )
            yield process
        finally:
            process.kill()


@contextmanager
def _free_octet() -> Iterator[int]:
    for octet in random.sample(range(180, 250), 70):
        if held := reserve(octet):
            with held:
                if not taken(octet):
                    yield octet
                    return
    raise RuntimeError("no free range of loopback addresses")
