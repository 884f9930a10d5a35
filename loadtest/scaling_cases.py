"""Which scale-outs are timed side by side, and what is kept of each. Frozen values, pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from deploy.lab.delays import DELAYS
from loadtest.load_words import called
from loadtest.loaded import Loaded
from loadtest.run import Environment, Frozen
from loadtest.timeline import ScaleOut, Step

# Checked in, beside what it tells of.
RECORD = Path(__file__).with_name("scale_outs.json")


@dataclass(frozen=True)
class Case:
    """One way of scaling: the parameters of a variant that make it, and a load that needs it."""

    title: str
    variant: str
    settings: Mapping[str, str] = field(default_factory=dict)
    # Whether its instances start from an image that is made first.
    is_baked: bool = False
    scenario: str = "whoami"
    rate: float = 5
    to: float = 40
    seconds: float = 90

    def load(self, lab: str) -> list[str]:
        """The load's command, as it is typed after `nineways`."""
        shape = ("--shape", "step", "--rate", f"{self.rate:g}", "--to", f"{self.to:g}", "--at", "5")
        much = ("--seconds", f"{self.seconds:g}", "--scenario", self.scenario)
        return ["load", self.variant, *shape, *much, "--lab", lab]


# Ten requests a second for each instance: 40/s are twice what two may have.
_BY_REQUESTS = {"RequestsPerTarget": "600"}
# Two such tasks fill a t3.micro, so that a third finds no room.
_FULL = {"TaskMemory": "400"}

CASES = (
    Case("instances that install the service", "alb-asg", _BY_REQUESTS),
    Case("instances of a baked image", "alb-asg", _BY_REQUESTS, is_baked=True),
    Case("instances from a warm pool", "alb-asg", {**_BY_REQUESTS, "WarmPoolSize": "2"}),
    Case("tasks, and instances for them", "alb-ecs-ec2", _FULL, scenario="work", seconds=110),
    Case("tasks on Fargate", "alb-ecs-fargate", scenario="work"),
    Case(
        "tasks on Fargate, measured every 20 s",
        "alb-ecs-fargate",
        {"MetricResolution": "20"},
        scenario="work",
    ),
)


class Took(Frozen):
    """How long one step took after the one before, in the lab and as good as on AWS."""

    step: Step
    lab_s: float
    aws_s: float


class Timed(Frozen):
    """What is kept of a case: its first scale-out that came to an answer."""

    title: str
    variant: str
    settings: Mapping[str, str]
    commands: tuple[str, ...]
    scaled: str
    before: int
    desired: int
    took: tuple[Took, ...]
    # Of the group below a service, when both grew: until its first new instance ran.
    below: tuple[Took, ...] = ()

    def until(self, *steps: Step) -> float:
        """How long these steps took together, in seconds of AWS."""
        return sum(one.aws_s for one in self.took if one.step in steps)

    @property
    def all_aws_s(self) -> float:
        """From the change of the load to the first answer."""
        return sum(one.aws_s for one in self.took)


class Record(Frozen):
    """All cases, and where and when."""

    measured_on: date
    environment: Environment
    cases: tuple[Timed, ...]


def timed(case: Case, loaded: Loaded, commands: tuple[str, ...]) -> Timed:
    """Keep what a load showed of a case.

    Raises:
        ValueError: it did not scale out, or nobody new came to answer before the load ended.
    """
    outs = [out for out in loaded.timeline.scale_outs if out.last_decision_s is None]
    answered = [out for out in outs if Step.FIRST_ANSWER in out.at_s]
    if not answered:
        seen = ", ".join(called(out.scaled) for out in outs) or "nothing"
        raise ValueError(f"{case.title}: no new copy answered before the load ended; {seen} grew")
    first = answered[0]
    groups = [out for out in outs if out is not first and out.scaled.startswith("group/")]
    speed = loaded.environment.speed or 1.0
    return Timed(
        title=case.title,
        variant=case.variant,
        settings=case.settings,
        commands=commands,
        scaled=called(first.scaled),
        before=first.before,
        desired=first.desired,
        took=_took(first, speed, waits=bool(groups)),
        below=_took(groups[0], speed) if groups else (),
    )


def _provision(scaled: str) -> float:
    """What the lab knows of AWS's time to start a machine, in seconds."""
    names = ("ec2-launch", "ec2-boot") if scaled.startswith("group/") else ("fargate-task",)
    return sum(delay.aws_s for delay in DELAYS if delay.name in names)


def _took(out: ScaleOut, speed: float, *, waits: bool = False) -> tuple[Took, ...]:
    provision = _provision(out.scaled)
    return tuple(
        Took(
            step=step,
            lab_s=took_s,
            aws_s=on_aws(step, took_s, speed, provision=provision, waits=waits),
        )
        for step, took_s in out.took_s.items()
    )


def on_aws(
    step: Step, took_s: float, speed: float, *, provision: float, waits: bool = False
) -> float:
    """How long a step would take with what the lab shortens as long as on AWS.

    Measuring and alarming is nothing but shortened time; so is the launch of a task that waits
    for the alarm of a group below. A start is the known delay, shortened, and this machine's own
    time on top, which must not be stretched. All else is not shortened.

    >>> on_aws(Step.DETECT, 2, 10, provision=30), on_aws(Step.PROVISION, 4, 10, provision=30)
    (20, 31.0)
    """
    if step in {Step.BREACH, Step.DETECT} or (step is Step.LAUNCH and waits):
        return took_s * speed
    if step is Step.PROVISION:
        return took_s + provision * (1 - 1 / speed)
    return took_s
