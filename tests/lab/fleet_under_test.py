"""A real fleet with a fake control plane, and machines to want."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.lab import ports
from deploy.lab.addresses import Addresses
from deploy.lab.processes import MARK, descendants, kill_every, marked
from tests.lab.fake_control_plane import ControlPlane, control_plane
from tests.lab.waiting import wait_until


@dataclass
class FleetUnderTest:
    """A fleet in a process of its own, and what it is told."""

    plane: ControlPlane
    state: Path
    addresses: Addresses
    images: Path
    process: "subprocess.Popen[bytes] | None" = None
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 100)))

    def start(self) -> None:
        program = (
            "from pathlib import Path; from deploy.lab.fleet.__main__ import main;"
            f"main(images=Path({str(self.images)!r}))"
        )
        arguments = ["--octet", str(self.addresses.octet), "--state", str(self.state)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments, "--speed", "1000"],
            env={**os.environ, MARK: str(self.state)},
        )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def instance(self, script: str, **more: object) -> dict[str, Any]:
        number = next(self.numbers)
        return {
            "id": f"i-{number}",
            "address": self.addresses.instance(number),
            "user_data": base64.b64encode(f"#!/bin/bash\n{script}\n".encode()).decode(),
            "instance_type": "t3.micro",
            "state": "running",
            "environment": {},
            "open_ports": [8080],
            "tags": {},
            **more,
        }

    def task(self, **more: object) -> dict[str, Any]:
        number = next(self.numbers)
        return {
            "id": f"t-{number}",
            "task_arn": f"arn:aws:ecs:us-east-1:000000000000:task/t-{number}",
            "family": "web",
            "address": self.addresses.task(number),
            "image": "nineways/service:abc",
            "command": None,
            "environment": {},
            "cpu_units": 1024,
            "memory_mib": 512,
            "stop_timeout_s": 5,
            "stopping": False,
            **more,
        }

    def reaches(self, machine: dict[str, Any], state: str) -> dict[str, Any]:
        wait_until(
            lambda: self.plane.machine(machine["id"])["state"] == state,
            f"{machine['id']} to be {state}",
        )
        return self.plane.machine(machine["id"])

    def says(self, machine: dict[str, Any], text: str) -> str:
        log = self.state / "machines" / machine["id"] / "output.log"
        wait_until(lambda: log.exists() and text in log.read_text(), f"{text!r} in {log}")
        said: str = log.read_text()
        return said

    def below(self, machine: dict[str, Any]) -> list[int]:
        """What runs on the machine, without its init."""
        pulse = json.loads((self.state / "machines" / machine["id"] / "pulse.json").read_text())
        return descendants(pulse["init"])

    def shows(self, machine: dict[str, Any]) -> dict[str, Any]:
        """What it leaves for `lab status`."""
        shown: dict[str, dict[str, Any]] = json.loads((self.state / "fleet.json").read_text())
        return shown[machine["id"]]

    def processes(self) -> list[int]:
        mine = {os.getpid(), self.process.pid if self.process else 0}
        return [pid for pid in marked(str(self.state)) if pid not in mine]


@contextmanager
def fleet_under_test(folder: Path) -> Iterator[FleetUnderTest]:
    """Start a fleet; at the end it and all it started is gone."""
    octet = next(octet for octet in range(150, 200) if ports.taken(octet) is None)
    addresses = Addresses(octet)
    state = folder.resolve() / "lab"
    state.mkdir()
    with control_plane(addresses) as plane:
        fleet = FleetUnderTest(plane, state, addresses, folder / "build")
        image = fleet.images / "image-abc"
        (image / "site-packages").mkdir(parents=True)
        (image / "app").mkdir()
        (image / "config.json").write_text(
            json.dumps({"Cmd": ["python", "-m", "app.serve"], "Env": {"COLOUR": "blue"}})
        )
        (image / "app" / "serve.py").write_text(
            "import os, time, signal, sys\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
            "print(os.environ['COLOUR'], os.environ['NINEWAYS_HOST'], flush=True)\n"
            "time.sleep(1000)\n"
        )
        fleet.start()
        yield fleet
        fleet.kill()
        assert kill_every(fleet.processes) == []
