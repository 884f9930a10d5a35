"""Conduct a comparison with real tools, from targets to the files on disk."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2

import deploy
from deploy.console import Screen
from deploy.lab.delays import DELAYS, scaled
from deploy.places import Where
from loadtest import archive, cold_starts
from loadtest.compare import Tools, compare
from loadtest.environment import here
from loadtest.generator import LocustGenerator
from loadtest.report.page import write_report
from loadtest.run import ColdStart, Delay, Environment, Load, Run
from loadtest.summary import Summary, summarise
from loadtest.targets import Target
from loadtest.verify import verify

ROOT = Path(deploy.__file__).parents[1]
RESULTS = ROOT / "results"


@dataclass(frozen=True)
class Outcome:
    """What a comparison left."""

    run: Run
    summaries: Sequence[Summary]
    folder: Path
    report: Path

    @property
    def is_complete(self) -> bool:
        """Whether every target was loaded and no acknowledged message is missing."""
        return all(
            each.measured and not (each.subject.accounting and each.subject.accounting.lost)
            for each in self.summaries
        )


def conduct(  # noqa: PLR0913 - a comparison has that many sides
    targets: Sequence[Target],
    load: Load,
    environment: Environment,
    screen: Screen,
    *,
    command: str,
    out: Path | None = None,
) -> Outcome:
    """Compare, and write samples, facts and report into a folder of the run's own."""
    tools = Tools(
        generator=LocustGenerator(),
        verify=verify,
        cold_starts=partial(start_cold, screen=screen),
        doing=screen.doing,
        tell=screen.tell,
    )
    run, samples = compare(targets, load, environment, tools, command=command)
    with screen.doing("write the report"):
        folder = out or RESULTS / run.id
        folder.mkdir(parents=True, exist_ok=True)
        run.write(folder)
        archive.write(folder, samples)
        report = write_report(folder)
    return Outcome(run, summarise(run, samples), folder, report)


def start_cold(target: Target, *, screen: Screen) -> Sequence[ColdStart]:
    """Measure the cold starts of a target that has any."""
    if target.environments is None:
        return ()
    with httpx2.Client(
        base_url=target.url, timeout=cold_starts.TIMEOUT_S, trust_env=not target.is_here
    ) as client:
        return cold_starts.measure(client, target.environments, tell=screen.tell)


def in_lab(speed: float) -> Environment:
    """Describe a lab, with what it imitates."""
    delays = [
        Delay(name=d.name, aws_s=d.aws_s, lab_s=scaled(d.name, speed), source=d.source)
        for d in DELAYS
    ]
    return here("lab", root=ROOT, speed=speed, delays=delays)


def elsewhere(place: str) -> Environment:
    """Describe another place, as seen from this machine."""
    return here(place, root=ROOT)


def command_line(names: Sequence[str], urls: Sequence[str], load: Load, *, where: Where) -> str:
    """The command that does it again: everything that was chosen, chosen explicitly."""
    options = {
        "rate": f"{load.rate:g}",
        "seconds": f"{load.seconds:g}",
        "rounds": load.rounds,
        "scenario": load.scenario,
        "arrivals": load.arrivals,
        "seed": load.seed,
        "warm-up": f"{load.warm_up_s:g}",
        "habits": load.habits,
    }
    words = [*names, *(f"--url={url}" for url in urls)]
    words += [f"--{name}={value}" for name, value in options.items()]
    return f"nineways compare {shlex.join(words)}{where.typed if names else ''}"
