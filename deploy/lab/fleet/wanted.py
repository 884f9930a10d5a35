"""What the emulator wants of the fleet: its state document as frozen values."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from deploy.lab.faults import Fault

# ECS counts CPU in these; Fargate's smallest task has a quarter.
UNITS_OF_A_VCPU = 1024

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-types.html, read 2026-11.
_VCPUS = {"medium": 1, "large": 2, "xlarge": 4, "2xlarge": 8}
# Burstable families run at full speed for as long as a lab is up.
_BURSTABLE = ("t2.", "t3.", "t3a.", "t4g.")


@dataclass(frozen=True)
class Instance:
    """An EC2 instance that should run."""

    id: str
    address: str
    user_data: bytes
    instance_type: str
    environment: Mapping[str, str]
    # Of its machine image; empty for a bare one.
    image_id: str = ""

    @property
    def vcpus(self) -> float | None:
        """How many processors it has; None when it may use all of this machine's.

        >>> Instance("i-1", "127.9.20.1", b"", "t3.micro", {}).vcpus
        """
        if self.instance_type.startswith(_BURSTABLE):
            return None
        return _VCPUS.get(self.instance_type.partition(".")[2])


@dataclass(frozen=True)
class Task:
    """An ECS task that should run."""

    id: str
    address: str
    image: str
    command: tuple[str, ...] | None
    environment: Mapping[str, str]
    cpu_units: int
    memory_mib: int
    stop_timeout_s: float
    # Whose fault is the task's too.
    instance_id: str | None = None

    @property
    def vcpus(self) -> float:
        """How many processors it may use."""
        return self.cpu_units / UNITS_OF_A_VCPU


Machine: TypeAlias = Instance | Task


@dataclass(frozen=True)
class Wanted:
    """One version of the state document."""

    version: int
    # Those that should run.
    machines: Mapping[str, Machine]
    # Those that are off and keep their disk.
    stopped: frozenset[str] = frozenset()
    # What somebody asked to go wrong, by machine.
    faults: Mapping[str, Fault] = field(default_factory=dict)

    def fault(self, machine: Machine) -> Fault | None:
        """What is wrong with it, or else with the instance it is on."""
        of_host = self.faults.get(machine.instance_id or "") if isinstance(machine, Task) else None
        return self.faults.get(machine.id, of_host)

    def keeps(self, machine_id: str) -> bool:
        """Whether the machine still exists, on or off."""
        return machine_id in self.machines or machine_id in self.stopped


def wanted(document: Mapping[str, Any]) -> Wanted:
    """Read the state document.

    Raises:
        KeyError, TypeError, ValueError: It is not what the emulator promised.
    """
    instances = [_instance(entry) for entry in document["instances"] if _runs(entry)]
    tasks = [_task(entry) for entry in document["tasks"] if not entry["stopping"]]
    machines: list[Machine] = [*instances, *tasks]
    return Wanted(
        version=int(document["version"]),
        machines={machine.id: machine for machine in machines},
        stopped=frozenset(entry["id"] for entry in document["instances"] if not _runs(entry)),
        faults={key: Fault.of(entry) for key, entry in document.get("faults", {}).items()},
    )


def _runs(instance: Mapping[str, Any]) -> bool:
    return bool(instance["state"] == "running")


def _instance(entry: Mapping[str, Any]) -> Instance:
    return Instance(
        id=entry["id"],
        address=entry["address"],
        user_data=base64.b64decode(entry["user_data"] or ""),
        instance_type=entry["instance_type"],
        environment=entry["environment"],
        image_id=entry.get("image_id") or "",
    )


def _task(entry: Mapping[str, Any]) -> Task:
    return Task(
        id=entry["id"],
        address=entry["address"],
        image=entry["image"],
        command=tuple(entry["command"]) if entry["command"] else None,
        environment=entry["environment"],
        cpu_units=int(entry["cpu_units"]),
        memory_mib=int(entry["memory_mib"]),
        stop_timeout_s=float(entry["stop_timeout_s"]),
        instance_id=entry.get("instance_id"),
    )
