"""The process above all others of a lab: starts the parts, restarts them, leaves nothing behind.

A part that dies is started again, later each time, and given up when it cannot stay up. The
emulator is another matter: it holds all state in memory, so its death is the lab's.
"""

import argparse
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from deploy.errors import TookTooLongError
from deploy.lab.addresses import Addresses
from deploy.lab.parts import PartSpec, parts_of
from deploy.lab.processes import become_subreaper, descendants, die_with, kill_every, reap_orphans
from deploy.lab.status import LabInfo, LabState, Part, PartState, tail
from deploy.waiting import Patience

# How soon a death is noticed.
_PATIENCE = Patience(every_s=0.1)
READY_WITHIN_S = 30.0
# Five deaths without a quiet minute between them: it will not stay up.
GIVE_UP_AFTER = 5
QUIET_S = 60.0
FIRST_BACK_OFF_S = 0.2

_LOST = (
    "the emulator ended ({how}), and with it every stack: `nineways lab up` starts an empty lab, "
    "`nineways up` brings the variants back; its log is {log}"
)
_GIVEN_UP = "{name} does not stay up; its log is {log}; `nineways lab down`, then `lab up`"
_NOT_READY = "{name} {how}; its log ends with:\n{tail}"


@dataclass
class Supervised:
    """One part as the supervisor sees it."""

    spec: PartSpec
    process: "subprocess.Popen[bytes] | None" = None
    restarts: int = 0
    # Deaths since it last had a quiet minute.
    deaths: int = 0
    started_s: float = 0.0
    next_start_s: float = 0.0
    state: PartState = "starting"

    @property
    def has_ended(self) -> bool:
        """Whether its process is over."""
        return self.process is not None and self.process.poll() is not None

    @property
    def code(self) -> int:
        """How its process ended: negative by which signal."""
        return (self.process and self.process.returncode) or 0

    @property
    def status(self) -> Part:
        """What is written down of it."""
        pid = self.process.pid if self.process and not self.has_ended else None
        return Part(pid=pid, restarts=self.restarts, state=self.state)


@dataclass
class Supervisor:
    """The parts of one lab, watched."""

    info: LabInfo
    folder: Path
    specs: Sequence[PartSpec]
    clock: Callable[[], float] = time.monotonic
    told_to_end: bool = False
    parts: list[Supervised] = field(default_factory=list)

    def run(self) -> None:
        """Be the lab until told to end, or until the emulator is lost."""
        become_subreaper()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        try:
            self._start_in_order()
            while not self.told_to_end and self.info.state in {"up", "degraded"}:
                self._watch()
                _PATIENCE.sleep(_PATIENCE.every_s)
        finally:
            kill_every(lambda: descendants(os.getpid()))
            for part in self.parts:
                part.process = None
                part.state = "stopped" if part.state != "given up" else part.state
            self._note()

    def _end(self, *_: object) -> None:
        # Nothing but this: a handler runs between any two lines of ours, and a lock taken in here,
        # such as that of a threading.Event, may be held by the very line it interrupted.
        self.told_to_end = True

    def _start_in_order(self) -> None:
        for spec in self.specs:
            part = Supervised(spec)
            self.parts.append(part)
            self._start(part)
            self._note()
            problem = self._wait_for(part)
            if self.told_to_end:
                return
            if problem:
                part.state = "given up"
                ends = tail(self._log(part))
                self._note("failed", _NOT_READY.format(name=spec.name, how=problem, tail=ends))
                return
            part.state = "running"
        self._note("up")

    def _wait_for(self, part: Supervised) -> str:
        """Wait until the part is ready; say what is wrong otherwise."""

        def has_settled() -> bool:
            return self.told_to_end or part.has_ended or part.spec.is_ready()

        try:
            Patience(every_s=0.02).until(has_settled, what=part.spec.name, timeout_s=READY_WITHIN_S)
        except TookTooLongError:
            return f"was not ready after {READY_WITHIN_S:g} s"
        return f"ended at once ({_how(part.code)})" if part.has_ended else ""

    def _start(self, part: Supervised) -> None:
        part.started_s = self.clock()
        self._log(part).parent.mkdir(exist_ok=True)
        with self._log(part).open("ab") as log:
            part.process = subprocess.Popen(  # noqa: S603  our own parts
                part.spec.argv,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with(os.getpid()),  # noqa: PLW1509  this process has one thread
            )

    def _watch(self) -> None:
        for part in self.parts:
            if part.state == "restarting" and self.clock() >= part.next_start_s:
                self._start(part)
                part.state = "running"
                self._note()
            elif part.state == "running" and part.has_ended:
                self._mourn(part)
        reap_orphans(mine=[part.process.pid for part in self.parts if part.process])

    def _mourn(self, part: Supervised) -> None:
        if part.spec.is_the_truth:
            self._note("lost", _LOST.format(how=_how(part.code), log=self._log(part)))
            return
        if self.clock() - part.started_s > QUIET_S:
            part.deaths = 0
        part.deaths += 1
        if part.deaths >= GIVE_UP_AFTER:
            part.state = "given up"
            self._note("degraded", _GIVEN_UP.format(name=part.spec.name, log=self._log(part)))
            return
        part.restarts += 1
        part.state = "restarting"
        part.next_start_s = self.clock() + FIRST_BACK_OFF_S * 2 ** (part.deaths - 1)
        self._note()

    def _note(self, state: LabState | None = None, advice: str = "") -> None:
        """Write down how things are."""
        self.info = replace(
            self.info,
            state=state or self.info.state,
            advice=advice or self.info.advice,
            parts={part.spec.name: part.status for part in self.parts},
        )
        self.info.write(self.folder)

    def _log(self, part: Supervised) -> Path:
        return self.folder / "logs" / f"{part.spec.name}.log"


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _detach() -> None:
    """Go on as nobody's child: who started us has no use for a zombie."""
    if os.fork():
        os._exit(0)


def main(specs: Callable[[Addresses, Path, float], Sequence[PartSpec]] = parts_of) -> None:
    """Supervise the lab of the command line; `specs` makes its parts."""
    parser = argparse.ArgumentParser(prog="python -m deploy.lab.supervisor")
    parser.add_argument("--name", required=True)
    parser.add_argument("--octet", type=int, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    folder = given.folder.resolve()
    _detach()
    info = LabInfo(
        name=given.name,
        octet=given.octet,
        speed=given.speed,
        pid=os.getpid(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    info.write(folder)
    Supervisor(info, folder, specs(Addresses(given.octet), folder, given.speed)).run()


if __name__ == "__main__":
    main()
