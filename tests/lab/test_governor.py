"""The governor holds what runs below an init process to its size."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deploy.lab.fleet.governor import Governor
from deploy.lab.processes import descendants, kill_every
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.lab

# Two processes that want all they can get.
SPIN = "import os; os.fork()\nwhile True: pass"


@dataclass(frozen=True)
class Spinner:
    """A machine that does nothing but use its processors."""

    init: int

    def cpu_s(self) -> float:
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in descendants(self.init))

    def uses(self, cpu_s: float) -> None:
        until_s = self.cpu_s() + cpu_s
        wait_until(lambda: self.cpu_s() >= until_s, f"{cpu_s} s of processor time")


@pytest.fixture
def spinner() -> Iterator[Spinner]:
    # The first process is the init, which the governor leaves alone.
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    with subprocess.Popen([sys.executable, "-c", program, SPIN]) as init:
        spinner = Spinner(init.pid)
        wait_until(lambda: len(descendants(init.pid)) == 2, "two spinning processes")
        yield spinner
        kill_every(lambda: descendants(init.pid))
        init.kill()


@pytest.mark.parametrize("vcpus", [0.25, 0.5])
def test_a_machine_gets_its_size_and_no_more(spinner: Spinner, vcpus: float) -> None:
    with Governor() as governor:
        governor.govern("t-1", spinner.init, vcpus=vcpus)
        spinner.uses(0.1)
        began_s, used_s = time.monotonic(), spinner.cpu_s()
        spinner.uses(vcpus)
        share = (spinner.cpu_s() - used_s) / (time.monotonic() - began_s)

    # Measured 0.97 to 1.03 on an idle machine; a busy one has less to give, never more.
    assert 0.3 < share / vcpus < 1.2


def test_a_released_machine_runs_free(spinner: Spinner) -> None:
    with Governor() as governor:
        governor.govern("t-1", spinner.init, vcpus=0.05)
        wait_until(lambda: states(spinner) == {"T"}, "it to be stopped")
        governor.release("t-1")
        assert "T" not in states(spinner)


def test_what_an_earlier_governor_left_stopped_goes_on(spinner: Spinner) -> None:
    for pid in descendants(spinner.init):
        os.kill(pid, 19)
    with Governor() as governor:
        governor.govern("t-1", spinner.init, vcpus=1.0)
        spinner.uses(0.1)


def states(spinner: Spinner) -> set[str]:
    """R for running, T for stopped, as /proc has it."""
    found = set()
    for pid in descendants(spinner.init):
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  one line of /proc
            found.add(stat.read().rpartition(")")[2].split()[0])
    return found
