"""Carry out what the fault commands say, and wait until it is so."""

import json
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

from deploy.errors import BadInputError, NinewaysError
from deploy.lab.faults import Fault
from deploy.lab.sabotage.targets import Machine, machines
from deploy.lab.status import machines as seen
from deploy.waiting import Patience

_PATIENCE = Patience(every_s=0.05)
# The fleet looks ten times a second.
_DONE_WITHIN_S = 10.0


@dataclass(frozen=True)
class Orders:
    """The faults of one lab that is up."""

    endpoint_url: str
    folder: Path

    def machines(self) -> list[Machine]:
        """Every machine that can be named."""
        found = machines(self._ask("/_lab/state?since=-1&wait=0"))
        fleet = seen(self.folder)
        dead = {machine_id for machine_id, how in fleet.items() if how["state"] == "exited"}
        return [replace(machine, is_dead=machine.id in dead) for machine in found]

    def kill(self, targets: Sequence[Machine]) -> None:
        """Pull the plug of machines, and of the tasks on them."""
        from deploy.lab.fleet.machine import RunningMachine  # noqa: PLC0415  brings boto3 along

        for machine in [*targets, *self._on(targets)]:
            running = RunningMachine(machine.id, self.folder / "machines" / machine.id)
            if machine in targets and running.init is None:
                raise _does_not_run(machine)
            running.pull_the_plug()
        self._wait(targets, lambda how: how["state"] == "exited", "to be dead")

    def afflict(self, targets: Sequence[Machine], fault: Fault) -> None:
        """Give machines a fault that lasts; it takes the place of another.

        Raises:
            BadInputError: one of them is dead.
            NinewaysError: it cannot be done on this system.
        """
        for machine in targets:
            if machine.is_dead:
                raise _does_not_run(machine)
        self._change({"machines": {machine.id: fault.document for machine in targets}})
        self._wait(targets, lambda how: how["fault"] == str(fault), f"to be {fault}")
        now = seen(self.folder)
        problems = [now[each.id]["fault_problem"] for each in targets if each.id in now]
        if any(problems):
            self.heal(targets)
            raise NinewaysError(
                f"{targets[0]} stays as it was",
                cause=next(filter(None, problems)),
                remedy="`nineways lab fault freeze` comes close: it answers nobody either",
            )

    def fail_queue(self, share: float) -> None:
        """Let this share of all calls of SQS fail."""
        self._change({"queue": {"fail": share}})

    def heal_queue(self) -> None:
        """Let SQS be well."""
        self._change({"queue": None})

    def heal(self, targets: Sequence[Machine]) -> None:
        """Take the faults of machines away."""
        self._change({"machines": dict.fromkeys([machine.id for machine in targets])})
        self._wait(targets, lambda how: not how["fault"], "to be well")

    def _on(self, hosts: Sequence[Machine]) -> list[Machine]:
        ids = {machine.id for machine in hosts}
        return [machine for machine in self.machines() if machine.host in ids]

    def _wait(
        self, targets: Sequence[Machine], so: Callable[[Mapping[str, Any]], bool], what: str
    ) -> None:
        """Wait until it is so of each that the fleet has, and that runs or ran."""

        def all_are() -> bool:
            now = seen(self.folder)
            here = [now[machine.id] for machine in targets if machine.id in now]
            return all(so(how) for how in here if how["state"] != "starting")

        _PATIENCE.until(
            all_are,
            what=f"{', '.join(machine.id for machine in targets)} {what}",
            timeout_s=_DONE_WITHIN_S,
        )

    def _change(self, faults: Mapping[str, Any]) -> None:
        self._ask("/_lab/faults", json.dumps(faults).encode())

    def _ask(self, path: str, body: bytes | None = None) -> Mapping[str, Any]:
        request = urllib.request.Request(self.endpoint_url + path, data=body)  # noqa: S310  our own emulator
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  the same
                found: Mapping[str, Any] = json.load(answer)
                return found
        except (URLError, OSError) as error:
            raise NinewaysError(
                "the emulator does not answer",
                cause=str(error),
                remedy="`nineways lab status` says how the lab is",
            ) from error


def _does_not_run(machine: Machine) -> BadInputError:
    return BadInputError(f"{machine} does not run", remedy="`nineways lab status` shows what does")
