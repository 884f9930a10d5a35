"""Locust in the background: it offers a shape while somebody watches, and ends with the watcher."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.lab.processes import die_with
from loadtest.generator import last_line, locust
from loadtest.samples import Sample, read_csv
from loadtest.scenarios import Leg
from loadtest.shapes import NamedShape
from loadtest.targets import Target

# A generator that was told to end gets so long for it.
ENDS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Order:
    """What is offered to whom."""

    target: Target
    shape: NamedShape
    seconds: float
    scenario: str
    habits: str
    # The command that does it again.
    command: str


@dataclass(frozen=True)
class Kept:
    """The generator's files, in the results' folder as long as it runs."""

    folder: Path

    @property
    def samples(self) -> Path:
        """Where it writes each sample."""
        return self.folder / "samples.csv"

    @property
    def log(self) -> Path:
        """Where it says what goes wrong."""
        return self.folder / "locust.log"

    def read(self) -> list[Sample]:
        """Every sample there is."""
        return read_csv(self.samples)

    def clear(self) -> str:
        """Remove both, and a folder that holds nothing else; give the log's last line."""
        told = last_line(self.log.read_text(encoding="utf-8")) if self.log.exists() else ""
        for path in (self.samples, self.log):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()
        return told


@contextmanager
def generating(order: Order, leg: Leg, kept: Kept) -> Iterator[subprocess.Popen[bytes]]:
    """Have Locust offer the load during the block; it ends with it, and with this process."""
    what = {"scenario": order.scenario, "shape": order.shape, "habits": order.habits}
    argv = locust(order.target, leg, what, seconds=order.seconds, samples=kept.samples)
    with (
        kept.log.open("wb") as log,
        held_back() as let_through,
        subprocess.Popen(  # noqa: S603 - our own program and arguments
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C in the terminal is for this process, which then ends that one.
            start_new_session=True,
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 - one call that locks nothing
        ) as process,
    ):
        try:
            let_through()
            yield process
        finally:
            process.terminate()
            if not has_ended(process, within_s=ENDS_WITHIN_S):
                process.kill()


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C wait: while a process is started it would be lost, or leave that one running.

    Gives what lets it through again, for the moment from which the process can be ended.
    """
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }

    def let_through() -> None:
        while before:
            signal.signal(*before.popitem())
        while came:
            signal.raise_signal(came.pop())

    try:
        yield let_through
    finally:
        let_through()


def has_ended(process: subprocess.Popen[bytes], *, within_s: float) -> bool:
    """Wait for it, but not for longer."""
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True
