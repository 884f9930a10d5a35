"""When requests are due: schedules that do not wait for answers.

A closed loop sends the next request when the last one is answered, so a server that stalls is
asked less just when it is slow, and the stall hides (coordinated omission). Here the schedule
is fixed beforehand, and latency counts from the moment a request was due.
"""

import math
import random
from collections.abc import Callable, Iterable
from enum import StrEnum


class Arrivals(StrEnum):
    """How requests are spaced."""

    CONSTANT = "constant"
    POISSON = "poisson"
    # From nothing to the rate: what starts environments on demand gets time to start them.
    RAMP = "ramp"


def schedule(arrivals: Arrivals, *, rate: float, seconds: float, seed: int) -> list[float]:
    """Seconds from the start at which each request is due, in order.

    Exactly `rate * seconds` requests, and half of them on a ramp. Poisson arrivals, given their
    number, are that many independent uniform moments: bursts and gaps as from many strangers.

    >>> schedule(Arrivals.CONSTANT, rate=4, seconds=1, seed=0)
    [0.0, 0.25, 0.5, 0.75]
    """
    count = round(rate * seconds)
    match arrivals:
        case Arrivals.CONSTANT:
            return [n / rate for n in range(count)]
        case Arrivals.POISSON:
            moments = random.Random(seed)  # noqa: S311 - a schedule to repeat, not a secret
            return sorted(moments.uniform(0, seconds) for _ in range(count))
        case Arrivals.RAMP:
            half = count // 2
            # As many as the rising rate has brought by then: the area below a line.
            return [seconds * math.sqrt((n + 0.5) / half) for n in range(half)]


def dispatch(
    due: Iterable[float],
    start: Callable[[int, float], object],
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> None:
    """Call `start(n, intended)` for each arrival as soon as it is due.

    One that is overdue is started at once and keeps the moment it was intended for: none is
    left out. `sleep` is called before every start, with 0 too, so that others get to run.
    """
    origin = clock()
    for n, at in enumerate(due):
        intended = origin + at
        sleep(max(0.0, intended - clock()))
        start(n, intended)
