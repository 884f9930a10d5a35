"""Start Locust for one leg, and judge whether it offered what it was asked to.

Locust runs as a process of its own: importing it would change this one's sockets and threads.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from deploy.errors import NinewaysError
from loadtest.arrivals import Arrivals, schedule
from loadtest.run import Load
from loadtest.samples import Sample, read_csv
from loadtest.scenarios import Leg
from loadtest.targets import Target

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
# Time that Locust gets to start, and to wait for the last answers, beyond the schedule.
GRACE_S = 60.0
# A generator later than this at one start in a hundred measures itself. Latency counts from the
# intended start, so lateness is part of it; the bound keeps that part small.
LATENESS_BOUND_MS = 25.0
# And it must have started as good as all that it was asked for.
STARTED_BOUND = 0.99


class GeneratorFailedError(NinewaysError):
    """Locust ended without samples."""


@dataclass(frozen=True)
class Offered:
    """What became of one leg."""

    samples: Sequence[Sample]
    asked: int
    machine_busy: float
    generator_cores: float

    @property
    def lateness_p99_ms(self) -> float:
        """How late the latest hundredth of the requests was started, at least."""
        if not self.samples:
            return 0.0
        return float(np.percentile([sample.lateness_ms for sample in self.samples], 99))

    @property
    def void(self) -> str:
        """Why it does not count; empty when it does."""
        if len(self.samples) < STARTED_BOUND * self.asked:
            return f"the generator started only {len(self.samples)} of {self.asked} requests"
        if self.lateness_p99_ms > LATENESS_BOUND_MS:
            return (
                f"the generator fell behind: p99 of its lateness was {self.lateness_p99_ms:.0f} ms"
                f" (bound {LATENESS_BOUND_MS:.0f} ms)"
            )
        return ""


class Generator(Protocol):
    """Offers one leg to a target and returns when the last answer is in or given up."""

    def offer(self, target: Target, leg: Leg, load: Load, *, seconds: float) -> Offered:
        """Offer the load for so many seconds."""
        ...


class LocustGenerator:
    """One headless Locust process for each leg."""

    def offer(self, target: Target, leg: Leg, load: Load, *, seconds: float) -> Offered:
        """See `Generator`."""
        with tempfile.TemporaryDirectory(prefix="nineways-") as folder:
            path = Path(folder) / "samples.csv"
            before = Usage.now()
            finished = subprocess.run(  # noqa: S603 - our own program and arguments
                command(target, leg, load, seconds=seconds, samples=path),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds + GRACE_S,
                check=False,
            )
            after = Usage.now()
            if not path.exists():
                raise GeneratorFailedError(
                    "Locust ended without samples",
                    cause=last_line(finished.stderr or finished.stdout),
                )
            samples = read_csv(path)
        return Offered(
            samples=samples,
            asked=len(
                schedule(Arrivals(load.arrivals), rate=load.rate, seconds=seconds, seed=load.seed)
            ),
            machine_busy=after.busy_share_since(before),
            generator_cores=after.children_cores_since(before),
        )


def command(target: Target, leg: Leg, load: Load, *, seconds: float, samples: Path) -> list[str]:
    """The command line for one leg. The seed goes with the round: all subjects get the same."""
    what = {
        "scenario": load.scenario,
        "rate": load.rate,
        "arrivals": load.arrivals,
        "seed": load.seed + leg.round,
        "habits": load.habits,
    }
    return locust(target, leg, what, seconds=seconds, samples=samples)


def locust(
    target: Target, leg: Leg, what: Mapping[str, object], *, seconds: float, samples: Path
) -> list[str]:
    """The command line that offers what is said, in the words of the locustfile's options."""
    options = {
        "locustfile": LOCUSTFILE,
        "host": target.url,
        "users": 1,
        "loglevel": "ERROR",
        "exit-code-on-error": 0,
        "seconds": seconds,
        "run": leg.run,
        "target": leg.target,
        "round": leg.round,
        "samples": samples,
        **what,
    }
    if target.name_server:
        options["dns"] = target.name_server
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "locust", "--headless", "--only-summary", *flags]


def last_line(text: str) -> str:
    """The line of an error output that says most."""
    return text.strip().rpartition("\n")[2]


@dataclass(frozen=True)
class Usage:
    """CPU time used until a moment, in seconds: by the machine, and by children that ended."""

    at_s: float
    busy_s: float
    children_s: float

    @classmethod
    def now(cls) -> "Usage":
        """Read the counters."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(time.monotonic(), machine_busy_s(), children.ru_utime + children.ru_stime)

    def busy_share_since(self, before: "Usage") -> float:
        """Share of all cores that was busy, 0 to 1."""
        cores = os.cpu_count() or 1
        return min(1.0, (self.busy_s - before.busy_s) / (self.at_s - before.at_s) / cores)

    def children_cores_since(self, before: "Usage") -> float:
        """Cores' worth of CPU that the ended children took."""
        return (self.children_s - before.children_s) / (self.at_s - before.at_s)


def machine_busy_s(stat: Path = Path("/proc/stat")) -> float:
    """Seconds all cores together worked since the machine started; 0 where the kernel has none."""
    if not stat.exists():
        return 0.0
    # cpu user nice system idle iowait irq softirq steal: proc_stat(5).
    user, nice, system, _idle, _iowait, irq, softirq, *_ = map(
        int, stat.read_text().partition("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
