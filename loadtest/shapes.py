"""How much is offered when: the rate of requests as a function of time. Pure.

`nineways load --shape step --rate 20 --to 200 --at 30` offers 20 requests a second, from the
30th second on 200. In one word that is `step:20:200@30`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

# Requests a second at so many seconds from the start.
Shape: TypeAlias = Callable[[float], float]

# A stretch of the load: its name, and from when to when in seconds from the start.
Part: TypeAlias = tuple[str, float, float]

# How finely a shape is followed; a request is due where the area under it grows by one.
_SLICE_S = 0.01


class ShapeError(ValueError):
    """That is not a shape; the text says how one is written."""


@dataclass(frozen=True)
class Constant:
    """The same all the time."""

    rate: float

    def __str__(self) -> str:
        return f"constant:{self.rate:g}"

    def parts(self, seconds: float) -> list[Part]:
        """The stretches in which the load is one thing."""
        return [(f"{self.rate:g}/s", 0, seconds)]

    def __call__(self, at_s: float) -> float:
        """Requests a second at that moment."""
        del at_s
        return self.rate


@dataclass(frozen=True)
class Step:
    """One rate, and another from a moment on: what a balancer's users do when they are many."""

    before: float
    after: float
    at_s: float

    def __str__(self) -> str:
        return f"step:{self.before:g}:{self.after:g}@{self.at_s:g}"

    def parts(self, seconds: float) -> list[Part]:
        """The stretches in which the load is one thing."""
        return [(f"{self.before:g}/s", 0, self.at_s), (f"{self.after:g}/s", self.at_s, seconds)]

    def __call__(self, at_s: float) -> float:
        """Requests a second at that moment."""
        return self.after if at_s >= self.at_s else self.before


@dataclass(frozen=True)
class Ramp:
    """From one rate to another in a straight line, and then on at that one."""

    first: float
    last: float
    over_s: float

    def __str__(self) -> str:
        return f"ramp:{self.first:g}:{self.last:g}@{self.over_s:g}"

    def parts(self, seconds: float) -> list[Part]:
        """The stretches in which the load is one thing."""
        ramp = (f"{self.first:g} to {self.last:g}/s", 0.0, min(self.over_s, seconds))
        return [ramp, (f"{self.last:g}/s", self.over_s, seconds)][: 1 + (self.over_s < seconds)]

    def __call__(self, at_s: float) -> float:
        """Requests a second at that moment."""
        share = min(1.0, max(0.0, at_s / self.over_s))
        return self.first + (self.last - self.first) * share


@dataclass(frozen=True)
class Spike:
    """A rate with a much higher one for a while in it."""

    base: float
    peak: float
    at_s: float
    for_s: float

    def __str__(self) -> str:
        return f"spike:{self.base:g}:{self.peak:g}@{self.at_s:g}+{self.for_s:g}"

    def parts(self, seconds: float) -> list[Part]:
        """The stretches in which the load is one thing."""
        end_s = self.at_s + self.for_s
        before = (f"{self.base:g}/s", 0.0, self.at_s)
        peak = (f"{self.peak:g}/s", self.at_s, min(end_s, seconds))
        return [before, peak, (f"{self.base:g}/s again", end_s, seconds)][: 2 + (end_s < seconds)]

    def __call__(self, at_s: float) -> float:
        """Requests a second at that moment."""
        return self.peak if self.at_s <= at_s < self.at_s + self.for_s else self.base


NamedShape: TypeAlias = Constant | Step | Ramp | Spike


def schedule(shape: Shape, *, seconds: float) -> list[float]:
    """Seconds from the start at which each request is due, in order and evenly spaced.

    >>> schedule(Constant(4), seconds=1)
    [0.0, 0.25, 0.5, 0.75]
    >>> len(schedule(Step(10, 100, at_s=2), seconds=3))
    120
    """
    due: list[float] = []
    offered = 0.0
    slices = math.ceil(seconds / _SLICE_S)
    for n in range(slices):
        start_s = n * _SLICE_S
        rate = shape(start_s + _SLICE_S / 2)
        grown = offered + rate * min(_SLICE_S, seconds - start_s)
        # The k-th request, from 0, is due where the area reaches k; sums are not exact.
        while len(due) < grown - 1e-9:
            due.append(round(start_s + max(0.0, len(due) - offered) / rate, 9))
        offered = grown
    return due


def parse(text: str) -> NamedShape:
    """Read a shape as it is typed.

    constant:RATE, step:BEFORE:AFTER@AT, ramp:FIRST:LAST@OVER, spike:BASE:PEAK@AT+FOR,
    rates in requests a second and times in seconds.

    >>> parse("step:20:200@30")
    Step(before=20.0, after=200.0, at_s=30.0)

    Raises:
        ShapeError: it cannot be read.
    """
    kind, _, rest = text.partition(":")
    rates, _, times = rest.partition("@")
    try:
        numbers = [float(one) for one in rates.split(":")]
        moments = [float(one) for one in times.split("+")] if times else []
        return _make(kind, numbers, moments)
    except (TypeError, KeyError, ValueError) as error:
        raise ShapeError(
            f"{text!r} is no shape; write constant:RATE, step:BEFORE:AFTER@AT, "
            "ramp:FIRST:LAST@OVER or spike:BASE:PEAK@AT+FOR, such as step:20:200@30"
        ) from error


_KINDS: dict[str, Callable[..., NamedShape]] = {
    "constant": Constant,
    "step": Step,
    "ramp": Ramp,
    "spike": Spike,
}


def _make(kind: str, rates: list[float], moments: list[float]) -> NamedShape:
    if any(not math.isfinite(number) or number < 0 for number in (*rates, *moments)):
        raise ValueError(kind)
    if kind == "ramp" and moments == [0.0]:
        raise ValueError(kind)
    return _KINDS[kind](*rates, *moments)
