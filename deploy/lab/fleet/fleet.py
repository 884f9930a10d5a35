"""The lab's machines: those that are wanted run, those that are not do not.

A machine that ends by itself is reported and left alone: EC2 does not restart a crashed
instance, and replacing a task is the ECS scheduler's decision.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import TypeAlias

from deploy.lab.delays import scaled
from deploy.lab.faults import Fault, Kind
from deploy.lab.fleet import network
from deploy.lab.fleet.boot import CannotBootError, Lab
from deploy.lab.fleet.governor import Governor
from deploy.lab.fleet.machine import RunningMachine, Sighting
from deploy.lab.fleet.wanted import Instance, Machine, Task, Wanted
from deploy.lab.folder import delete
from deploy.lab.processes import descendants
from deploy.lab.reconcile import changes

_DELAYS = {Instance: ("ec2-launch", "ec2-boot"), Task: ("fargate-task",)}

# A machine as large as this one needs nobody to hold it back.
_PROCESSORS = os.cpu_count() or 1


@dataclass
class Member:
    """One machine of the fleet, from the moment it is wanted."""

    wanted: Machine
    running: RunningMachine
    # When its provisioning is over.
    due_s: float
    booted: bool = False
    is_governed: bool = False
    is_stopping: bool = False
    # What is wrong with it on purpose, or why that cannot be done.
    fault: Fault | None = None
    fault_problem: str | None = None
    # Why it never started, or what killed it.
    reason: str | None = None
    sighting: Sighting = field(default_factory=lambda: Sighting("starting"))


Tell: TypeAlias = Callable[[str], None]


@dataclass
class Fleet:
    """All machines of one lab."""

    lab: Lab
    governor: Governor
    speed: float
    supervisor_pid: int
    tell: Tell
    clock: Callable[[], float] = time.monotonic
    members: dict[str, Member] = field(default_factory=dict)

    def bring_to(self, wanted: Wanted) -> None:
        """Take one step towards what is wanted. Nothing in here waits."""
        # One that is wanted again while it stops is stopped first.
        stopping = {key for key, member in self.members.items() if member.is_stopping}
        todo = changes(wanted=wanted.machines.keys() - stopping, running=self.members.keys())
        for machine_id in todo.start:
            self._provision(wanted.machines[machine_id])
        for machine_id in todo.stop:
            self._stop(machine_id, keeps_disk=wanted.keeps(machine_id))
        for member in self.members.values():
            self._boot_when_due(member)
            self._look(member, wanted.fault(member.wanted))

    def clear_strays(self, wanted: Wanted) -> None:
        """Clear away what an earlier fleet left that nobody wants any more."""
        for folder in self.lab.folder("").glob("*"):
            if folder.name not in wanted.machines:
                RunningMachine(folder.name, folder).pull_the_plug()
                if not wanted.keeps(folder.name):
                    _delete_meanwhile(folder)

    def sightings(self) -> Mapping[str, Sighting]:
        """Say how every machine is."""
        return {machine_id: member.sighting for machine_id, member in self.members.items()}

    def _provision(self, machine: Machine) -> None:
        running = RunningMachine(machine.id, self.lab.folder(machine.id))
        wait_s = sum(scaled(name, self.speed) for name in _DELAYS[type(machine)])
        member = Member(machine, running, due_s=self.clock() + wait_s)
        self.members[machine.id] = member
        if running.was_booted:
            # An earlier fleet did; whatever became of it since is reported.
            member.booted = True
            # It may have been disconnected, and healed while there was no fleet.
            member.fault = Fault(Kind.DISCONNECT)
            self.tell(f"{machine.id}: taken over")
        else:
            self.tell(f"{machine.id}: starts in {wait_s:.1f} s on {machine.address}")

    def _boot_when_due(self, member: Member) -> None:
        if member.booted or member.is_stopping or self.clock() < member.due_s:
            return
        member.booted = True
        try:
            member.running.boot(self.lab.boot(member.wanted), supervisor_pid=self.supervisor_pid)
        except (CannotBootError, OSError, KeyError, TypeError, ValueError) as error:
            # One bad image is no reason to fail the other machines.
            member.reason = str(error)
            self.tell(f"{member.wanted.id}: cannot start: {error}")

    def _look(self, member: Member, fault: Fault | None) -> None:
        if not member.booted or member.sighting.state == "exited":
            return
        before, member.sighting = member.sighting, self._sight(member)
        if member.sighting.state == "running" and not member.is_governed:
            self._govern(member, fault)
        if member.sighting.state == "running":
            self._afflict(member, fault)
        if member.sighting.state == "exited":
            self.governor.release(member.wanted.id)
        if before.state != member.sighting.state:
            self.tell(f"{member.wanted.id}: {member.sighting}")

    def _sight(self, member: Member) -> Sighting:
        sighting = member.running.look() if member.running.was_booted else Sighting("exited")
        return replace(sighting, reason=member.reason) if sighting.state == "exited" else sighting

    def _govern(self, member: Member, fault: Fault | None) -> None:
        machine, init = member.wanted, member.running.init
        memory_mib = machine.memory_mib if isinstance(machine, Task) else None
        member.is_governed = True
        vcpus = machine.vcpus if machine.vcpus and machine.vcpus < _PROCESSORS else None
        if init is None:
            return

        def out_of_memory() -> None:
            member.reason = "OutOfMemoryError: container killed due to memory usage"
            member.running.pull_the_plug()

        self.governor.govern(
            machine.id,
            init,
            vcpus=vcpus,
            memory_mib=memory_mib,
            out_of_memory=out_of_memory,
            runs=fault.runs if fault else 1.0,
        )

    def _afflict(self, member: Member, fault: Fault | None) -> None:
        """Do to a machine what is to be wrong with it, and undo what no longer is."""
        before, member.fault = member.fault, fault
        if fault != before:
            self.tell(f"{member.wanted.id}: {fault or 'well'}")
            member.fault_problem = None
            self.governor.let_run(member.wanted.id, fault.runs if fault else 1.0)
        is_cut, was_cut = (each and each.kind is Kind.DISCONNECT for each in (fault, before))
        if not is_cut and not was_cut:
            return
        init = member.running.init
        try:
            # Again and again while it lasts: it opens new ones.
            (network.cut if is_cut else network.connect)(descendants(init) if init else ())
        except OSError as error:
            if is_cut and not member.fault_problem:
                member.fault_problem = f"it cannot be disconnected: {error}"
                self.tell(f"{member.wanted.id}: {member.fault_problem}")

    def _stop(self, machine_id: str, *, keeps_disk: bool) -> None:
        member = self.members[machine_id]
        if not member.is_stopping:
            member.is_stopping = True
            self.tell(f"{machine_id}: stops")
            member.running.shut_down()
        if member.booted and member.sighting.state != "exited":
            return
        del self.members[machine_id]
        self.governor.release(machine_id)
        if keeps_disk:
            member.running.forget_boot()
        else:
            self._keep_log(machine_id)

    def _keep_log(self, machine_id: str) -> None:
        """A terminated machine's disk is gone; what it said stays readable."""
        folder = self.lab.folder(machine_id)
        output, logs = folder / "output.log", self.lab.state / "logs"
        if output.exists():
            logs.mkdir(exist_ok=True)
            output.replace(logs / f"{machine_id}.log")
        _delete_meanwhile(folder)


def _delete_meanwhile(folder: Path) -> None:
    # An id is never given again, so nobody waits for the end of this.
    Thread(target=delete, args=[folder], name=f"delete {folder.name}", daemon=True).start()
