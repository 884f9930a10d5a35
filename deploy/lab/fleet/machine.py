"""One machine of the fleet: started, watched and stopped through its init process."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.lab.fleet.boot import MACHINE_MARK
from deploy.lab.fleet.init import Boot, Pulse
from deploy.lab.processes import MARK, kill_every, marked, send

# What of a machine's environment its init has as well.
_OF_INIT = frozenset({"PATH", "LANG", "HOME", "TMPDIR", MARK, MACHINE_MARK})


@dataclass(frozen=True)
class Sighting:
    """What is reported of a machine."""

    state: Literal["starting", "running", "exited"]
    pid: int | None = None
    exit_code: int | None = None
    reason: str | None = None


class RunningMachine:
    """A machine's processes, whether this fleet started them or an earlier one."""

    def __init__(self, machine_id: str, folder: Path) -> None:
        self.id = machine_id
        self._folder = folder
        self._started: subprocess.Popen[bytes] | None = None

    def boot(self, boot: Boot, *, supervisor_pid: int) -> None:
        """Switch the machine on."""
        self.forget_boot()
        boot.write(self._folder)
        self._started = subprocess.Popen(  # noqa: S603  our own module
            [
                *(sys.executable, "-P", "-m", "deploy.lab.fleet.init"),
                *(str(self._folder), str(supervisor_pid)),
            ],
            env={key: boot.environment[key] for key in boot.environment if key in _OF_INIT},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def was_booted(self) -> bool:
        """Whether this fleet or an earlier one switched it on."""
        return (self._folder / "boot.json").exists()

    def forget_boot(self) -> None:
        """Let it be switched on again."""
        for name in ("boot.json", "pulse.json"):
            (self._folder / name).unlink(missing_ok=True)

    def shut_down(self) -> None:
        """Ask it to stop; it has the stop timeout it was booted with."""
        if init := self.init:
            send(init, signal.SIGTERM)

    def pull_the_plug(self) -> None:
        """Kill what it booted into, and with it everything."""
        pulse = Pulse.read(self._folder)
        if pulse and self.init:
            send(pulse.pid, signal.SIGKILL)

    def look(self) -> Sighting:
        """Say how it is. What a killed init left behind is cleared away."""
        init = self.init
        # Read after that, so that a machine seen dead has written its last word.
        pulse = Pulse.read(self._folder)
        if init:
            return Sighting("running", pid=pulse.pid) if pulse else Sighting("starting")
        kill_every(lambda: marked(self.id, MACHINE_MARK))
        code = pulse.exit_code if pulse else None
        # An init that could not write was killed.
        return Sighting("exited", exit_code=128 + signal.SIGKILL if code is None else code)

    @property
    def init(self) -> int | None:
        """The process above all of the machine's, while it lives."""
        if self._started:
            return self._started.pid if self._started.poll() is None else None
        pulse = Pulse.read(self._folder)
        return pulse.init if pulse and _is_init_of(self._folder, pulse.init) else None


def _is_init_of(folder: Path, pid: int) -> bool:
    """Tell a live init from a stranger that was given its old number."""
    with suppress(OSError):
        return os.fsencode(folder) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return False
