"""Tasks as MiniStack's ECS scheduler sees them: containers of a Docker client.

The scheduler starts containers, looks whether they live, and removes them. This client starts
nothing: it says in the state document which tasks should run, and takes from the fleet's
reports which do.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.lab.cloud.border import Internals, Json, records
from deploy.lab.cloud.container_instances import ContainerInstances
from deploy.lab.cloud.draining import Target
from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.numbering import Numbering
from deploy.lab.cloud.observed import now

ECS = Internals("services.ecs", "_task_defs", "_tasks")
ALB = Internals("services.alb", "_tgs")

# A fleet that does not say within this time after SIGKILL was due that a task is gone is taken
# to have lost it.
LOST_AFTER_S = 10.0
# What one task may put into the emulator's memory by way of its log group.
LONGEST_LOG_BYTES = 2_000_000

log = logging.getLogger("lab.tasks")


class NotFoundError(Exception):
    """No such container."""


class StartError(Exception):
    """The fleet could not start a task."""


@dataclass
class Container:
    """One container of a task: the wish for it, and what the fleet says of it."""

    id: str
    task_arn: str
    address: str
    wanted: Json
    lab: Lab
    stop_asked: bool = False
    # Its instance is no more: there is nothing that could drain.
    lost: bool = False
    stopping_since: float | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def attrs(self) -> Json:
        """Where Docker's clients look for the address."""
        return {"NetworkSettings": {"Networks": {"lab": {"IPAddress": self.address}}}}

    @property
    def seen(self) -> str:
        """What the fleet said last, or nothing."""
        return str(self.lab.observed.machine(self.id).get("state", ""))

    @property
    def status(self) -> str:
        """Docker's word for it."""
        return "exited" if self.seen == "exited" else "running"

    @property
    def drains(self) -> bool:
        """Whether a target group still lets it finish what it has begun."""
        if not self.stop_asked or self.lost:
            return False
        groups = list(records(ALB.tgs))
        if not (ports := self.wanted["host_ports"].values()):
            return self.lab.draining.holds(self.address, groups)
        # Tasks beside it have the same address.
        names = {self.address, self.wanted["instance_id"]}
        mine = {Target(name, port) for name in names for port in ports}
        return any(mine & set(self.lab.draining.of(arn)) for arn in groups)

    @property
    def gone(self) -> bool:
        """Whether there is nothing left to run or to stop."""
        if self.seen == "exited" or (self.stop_asked and not self.seen):
            return True
        patience_s = self.wanted["stop_timeout_s"] + LOST_AFTER_S
        return self.stopping_since is not None and now() > self.stopping_since + patience_s

    def describe(self) -> Json:
        """The task for the state document."""
        stopping = self.stop_asked and not self.drains
        if stopping and self.stopping_since is None:
            self.stopping_since = now()
        return {**self.wanted, "stopping": stopping}

    def reload(self) -> None:
        """Nothing is cached."""

    def wait(self) -> Json:
        """The exit code of a container that ended."""
        return {"StatusCode": self.lab.observed.machine(self.id).get("exit_code") or 0}

    def stop(self, **_: object) -> None:
        """Ask it to end; draining comes first, then the fleet keeps to the stop timeout."""
        self.stop_asked = True

    def remove(self, **_: object) -> None:
        """It goes away by itself once the fleet says that it ended."""
        self.stop_asked = True

    def logs(self, *, stream: bool = False, **_: object) -> Iterator[bytes] | bytes:
        """What the container wrote, as it comes."""
        path = self.lab.directory / "machines" / self.id / "output.log"
        return _follow(path, ended=lambda: self.gone) if stream else b""


class TheEmulator:
    """What the scheduler takes for its own container: the address that tasks reach it at."""

    def __init__(self, lab: Lab) -> None:
        host = lab.addresses.emulator_url.removeprefix("http://").split(":")[0]
        self.attrs = {"NetworkSettings": {"Networks": {"lab": {"IPAddress": host}}}}


class Containers:
    """The part of docker-py's `containers` and `images` that the scheduler uses."""

    def __init__(self, lab: Lab, own_name: str, instances: ContainerInstances) -> None:
        self._lab = lab
        self._own_name = own_name
        self._instances = instances
        self._lock = threading.Lock()
        self._numbering = Numbering(lab.addresses.task)
        self._all: dict[str, Container] = {}

    def run(self, image: str, **options: Any) -> Container:  # noqa: ANN401 - docker-py's signature
        """Wish for a container and wait until the fleet runs it.

        Raises:
            StartError: the fleet said why it cannot.
        """
        container = self._wish_for(image, options)
        self._lab.observed.wait_until(
            lambda: container.seen in {"running", "exited"} or not _is_wanted(container.task_arn)
        )
        report = self._lab.observed.machine(container.id)
        if reason := report.get("reason"):
            raise StartError(str(reason))
        return container

    def get(self, container_id: str) -> Container | TheEmulator:
        """A container by its id."""
        if container_id == self._own_name:
            return TheEmulator(self._lab)
        with self._lock:
            if found := self._all.get(container_id):
                return found
        raise NotFoundError(container_id)

    def describe(self) -> list[Json]:
        """The tasks for the state document."""
        self._forget_the_gone()
        return [container.describe() for container in self._here() if not container.gone]

    def of_task(self, task_arn: str) -> Container | None:
        """The first container of a task, while it is there."""
        return next((c for c in self._here() if c.task_arn == task_arn), None)

    def _wish_for(self, image: str, options: Json) -> Container:
        labels, environment = options["labels"], options["environment"]
        task_arn = labels["com.amazonaws.ecs.task-arn"]
        definition, container_definition = _definition(labels)
        placement = self._instances.placement(task_arn)
        inside = [int(m["containerPort"]) for m in container_definition.get("portMappings") or []]
        ports = {p: placement.ports[p] for p in inside if placement and p in placement.ports}
        with self._lock:
            sibling = next((c for c in self._all.values() if c.task_arn == task_arn), None)
            taken = [c.address for c in self._all.values()]
            if placement and definition.get("networkMode") != "awsvpc":
                address = placement.address
            else:
                address = sibling.address if sibling else self._numbering.next(taken=taken)
            task_id = task_arn.rsplit("/", 1)[-1]
            name = labels["com.amazonaws.ecs.container-name"]
            # Containers of one task share its address; the first one has the task's id.
            container_id = f"{task_id}-{name}" if sibling else task_id
            wanted = {
                "id": container_id,
                "task_arn": task_arn,
                "family": definition["family"],
                "address": address,
                "image": image,
                "command": _command(container_definition, options),
                "instance_id": placement.instance_id if placement else None,
                "host_ports": {str(inside): outside for inside, outside in ports.items()},
                "environment": _environment(environment, task_arn, list(ports.values())),
                "cpu_units": int(container_definition.get("cpu") or definition.get("cpu") or 256),
                "memory_mib": int(
                    container_definition.get("memory") or definition.get("memory") or 512
                ),
                "stop_timeout_s": int(container_definition.get("stopTimeout") or 30),
            }
            container = Container(container_id, task_arn, address, wanted, self._lab)
            self._all[container_id] = container
        return container

    def _here(self) -> list[Container]:
        with self._lock:
            return list(self._all.values())

    def _forget_the_gone(self) -> None:
        for container in self._here():
            if container.gone and not _is_wanted(container.task_arn):
                with self._lock:
                    self._all.pop(container.id, None)
                self._lab.observed.forget_machine(container.id)


class Images:
    """Docker's images: every one is there, for the fleet finds it or says that it cannot."""

    def get(self, name: str) -> "Images":
        """An image by its name."""
        del name
        return self

    def pull(self, name: str, **_: object) -> "Images":
        """Nothing to fetch."""
        return self.get(name)


class Fleet:
    """The Docker client that the scheduler is given."""

    def __init__(self, lab: Lab, own_name: str, instances: ContainerInstances) -> None:
        self.containers = Containers(lab, own_name, instances)
        self.images = Images()


def _is_wanted(task_arn: str) -> bool:
    task = records(ECS.tasks).get(task_arn)
    return task is not None and "STOPPED" not in {task["lastStatus"], task["desiredStatus"]}


def _definition(labels: dict[str, str]) -> tuple[Json, Json]:
    """The task definition and the container definition behind a container's labels."""
    family = labels["com.amazonaws.ecs.task-definition-family"]
    version = labels["com.amazonaws.ecs.task-definition-version"]
    definition = records(ECS.task_defs)[f"{family}:{version}"]
    name = labels["com.amazonaws.ecs.container-name"]
    for container_definition in definition["containerDefinitions"]:
        if container_definition["name"] == name:
            return definition, container_definition
    raise NotFoundError(name)


def _command(definition: Json, options: Json) -> list[str] | None:
    command = [*(definition.get("entryPoint") or []), *(options.get("command") or [])]
    return command or None


def _environment(given: Json, task_arn: str, host_ports: list[int]) -> dict[str, str]:
    """What the task definition says, and what ECS adds.

    Nothing translates ports in the lab: the service listens at its host port itself.
    """
    region = task_arn.split(":")[3]
    return {
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": "AWS_ECS_EC2" if host_ports else "AWS_ECS_FARGATE",
        "AWS_REGION": region,
        **{key: str(value) for key, value in given.items()},
        **({"NINEWAYS_PORT": str(host_ports[0])} if host_ports else {}),
    }


def _follow(path: Path, *, ended: Callable[[], bool], look_every_s: float = 0.5) -> Iterator[bytes]:
    """Lines of a growing file, until the container has ended and all is read."""
    position = 0
    while position < LONGEST_LOG_BYTES:
        last_look = ended()
        if path.exists():
            with path.open("rb") as file:
                file.seek(position)
                text = file.read(LONGEST_LOG_BYTES - position)
            whole = text if last_look else text[: text.rfind(b"\n") + 1]
            position += len(whole)
            if whole:
                yield whole
        if last_look:
            return
        time.sleep(look_every_s)
    yield b"the lab passes on no more of this task's output; see output.log of the machine\n"
