"""The first process of a machine: everything the machine runs is below it.

It starts what the machine boots into, collects every process that detaches itself, and when the
boot process ends, for whatever reason, kills the rest: a machine is on or off. SIGTERM shuts the
machine down in order. It watches the lab's supervisor and not the fleet, so that machines
survive a restart of the fleet and nothing survives the lab.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.lab.processes import (
    become_subreaper,
    descendants,
    die_with,
    kill_every,
    reap_orphans,
    send,
)


@dataclass(frozen=True)
class Boot:
    """What a machine boots into."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    stop_timeout_s: float
    # An instance is told to shut down as a whole, a container's first process alone.
    stops_as_a_whole: bool

    def write(self, folder: Path) -> None:
        """Leave it where the machine's init looks."""
        (folder / "boot.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Boot":
        """Read what the fleet left."""
        values = json.loads((folder / "boot.json").read_text(encoding="utf-8"))
        return cls(**{**values, "argv": tuple(values["argv"])})


@dataclass(frozen=True)
class Pulse:
    """What is known of a machine's processes, kept in its folder."""

    init: int
    # The process the machine booted into; killing it is pulling the plug.
    pid: int
    exit_code: int | None = None

    def write(self, folder: Path) -> None:
        """Replace what was there in one move."""
        draft = folder / "pulse.draft"
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(folder / "pulse.json")

    @classmethod
    def read(cls, folder: Path) -> "Pulse | None":
        """Read it, if the machine has come so far."""
        try:
            return cls(**json.loads((folder / "pulse.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None


def run(folder: Path, supervisor_pid: int) -> None:
    """Be the machine until it ends."""
    become_subreaper()
    boot = Boot.read(folder)
    signals = _signals()
    supervisor = os.pidfd_open(supervisor_pid)
    with (folder / "output.log").open("ab") as output:
        first = subprocess.Popen(  # noqa: S603  running what it is given is its purpose
            boot.argv,
            env=boot.environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509  this process has one thread
        )
    Pulse(os.getpid(), first.pid).write(folder)
    _live(boot, first, signals, supervisor)
    first.kill()
    code = first.wait()
    kill_every(lambda: descendants(os.getpid()))
    # As a shell and ECS say it: 137 is SIGKILL.
    Pulse(os.getpid(), first.pid, code if code >= 0 else 128 - code).write(folder)


def _live(boot: Boot, first: "subprocess.Popen[bytes]", signals: int, supervisor: int) -> None:
    """Return when the machine is to be cleared away."""
    deadline: float | None = None
    poll = select.poll()
    for descriptor in (signals, supervisor):
        poll.register(descriptor, select.POLLIN)
    while first.poll() is None or (deadline and boot.stops_as_a_whole):
        left_ms = max(0, deadline - time.monotonic()) * 1000 if deadline else None
        ready = {descriptor for descriptor, _ in poll.poll(left_ms)}
        if supervisor in ready or not ready:
            return
        received = os.read(signals, 4096)
        first.poll()
        reap_orphans(mine=[first.pid])
        if signal.SIGTERM in received and not deadline:
            deadline = time.monotonic() + boot.stop_timeout_s
            told = descendants(os.getpid()) if boot.stops_as_a_whole else [first.pid]
            for pid in told:
                send(pid, signal.SIGTERM)
        if deadline and not descendants(os.getpid()):
            return


def _signals() -> int:
    """Turn SIGCHLD and SIGTERM into bytes of a pipe."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    # A terminal's Ctrl-C is for whoever typed it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return reading


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
