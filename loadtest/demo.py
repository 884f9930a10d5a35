"""The whole project once: lab, variants, comparison, report, and away with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from deploy.carry_out import carry_out
from deploy.catalog import VARIANTS
from deploy.console import Screen
from deploy.errors import NinewaysError
from deploy.lab import control
from deploy.places import Where
from deploy.plan import bring_up
from loadtest import conduct
from loadtest.arrivals import Arrivals
from loadtest.conduct import Outcome
from loadtest.run import Load
from loadtest.targets import deployed

# Slow enough for two cores that generator, lab and services share; three turns of three seconds
# give each variant 360 requests.
LOAD = Load(
    scenario="send",
    rate=40,
    seconds=3,
    rounds=3,
    seed=1,
    arrivals=Arrivals.POISSON,
    warm_up_s=3,
)


def demonstrate(screen: Screen, *, lab: str, keep: bool) -> Outcome:
    """Do it all; what was brought up is taken down however it ends."""
    where = Where(lab=lab)
    with lab_for_now(lab, screen, keep=keep) as speed:
        place = where.open(screen)
        carry_out(bring_up(*VARIANTS), place, around=screen.step)
        return conduct.conduct(
            deployed(VARIANTS, place),
            LOAD,
            conduct.in_lab(speed),
            screen,
            command=conduct.command_line([v.name for v in VARIANTS], (), LOAD, where=where),
        )


@contextmanager
def lab_for_now(name: str, screen: Screen, *, keep: bool) -> Iterator[float]:
    """Have a lab up during the block, and give its speed. One that was up before stays up."""
    was_up = control.status(name).state in {"up", "degraded"}
    with screen.doing(f"start the lab {name!r}"):
        info = control.up(name, tell=screen.tell)
    try:
        yield info.speed
    finally:
        if was_up or keep:
            screen.tell(f"the lab {name!r} stays up; `nineways lab down` ends it")
        else:
            with screen.doing(f"stop the lab {name!r}"):
                remains = control.down(name, tell=screen.tell)
            if remains:
                raise NinewaysError(f"something remains: {', '.join(remains)}")
