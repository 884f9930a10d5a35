"""What happened while a load went on: from its change to the first answer of a new copy. Pure.

Made from what the lab's scaling wrote down, and from the samples.
"""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from loadtest.run import Frozen
from loadtest.samples import Sample
from loadtest.shapes import Part


class Step(StrEnum):
    """What may happen; a scale-out's steps are in their order."""

    LOAD = "load"
    # As `deploy.lab.scaling.timeline` has them:
    BREACH = "breach"
    DETECT = "detect"
    DECIDE = "decide"
    LAUNCH = "launch"
    PROVISION = "provision"
    HEALTHY = "healthy"
    FIRST_REQUEST = "first-request"
    # From the samples: a copy that was not there before has answered.
    FIRST_ANSWER = "first-answer"
    # Not of a scale-out:
    RELAX = "relax"
    GONE = "gone"


_BEFORE_A_DECISION = (Step.BREACH, Step.DETECT)
_OF_A_MACHINE = (Step.LAUNCH, Step.PROVISION, Step.HEALTHY, Step.FIRST_REQUEST, Step.FIRST_ANSWER)
_OF_SCALING = frozenset(Step) - {Step.LOAD, Step.FIRST_ANSWER}


@dataclass(frozen=True)
class Event:
    """A line that the lab's scaling wrote; `at` is in seconds since 1970."""

    at: float
    scaled: str
    event: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Moment(Frozen):
    """Something that happened, in seconds since the load began."""

    at_s: float
    step: Step
    # The group or service that scales.
    scaled: str = ""
    # An instance or a task; a target that belongs to none stays a target.
    machine: str = ""
    said: str = ""
    # How many were wanted and are from now on, where that was decided.
    before: int = 0
    desired: int = 0


class ScaleOut(Frozen):
    """A decision to have more, and how the first of these machines came to answer.

    A step is missing when it was not seen: the alarm was on before the load changed, no request
    asked the copy who it is, the load ended first.
    """

    scaled: str
    before: int
    desired: int
    because: str
    machines: tuple[str, ...]
    at_s: dict[Step, float]

    @property
    def took_s(self) -> dict[Step, float]:
        """How long each step took after the one that was seen before it."""
        return {
            step: at_s - earlier_s for (_, earlier_s), (step, at_s) in pairwise(self.at_s.items())
        }

    @property
    def served_after_s(self) -> float | None:
        """From the change of the load until a new copy served; None when none was seen to."""
        served_s = self.at_s.get(Step.FIRST_ANSWER, self.at_s.get(Step.FIRST_REQUEST))
        return None if served_s is None else served_s - self.at_s[Step.LOAD]


class Timeline(Frozen):
    """All of it, in order."""

    moments: tuple[Moment, ...]
    scale_outs: tuple[ScaleOut, ...]


@dataclass(frozen=True)
class Seen:
    """What was seen of a load."""

    # What the lab's scaling wrote down of this variant.
    events: Sequence[Event] = ()
    samples: Sequence[Sample] = ()
    # The copies of which a first answer is no news.
    there_before: AbstractSet[str] = frozenset()
    # Which machine a target, as address:port, belongs to.
    owners: Mapping[str, str] = field(default_factory=dict)


def timeline(parts: Sequence[Part], seen: Seen, *, began_s: float) -> Timeline:
    """Put together what happened under a load of these parts, begun at `began_s` since 1970."""
    moments = [
        *(Moment(at_s=from_s, step=Step.LOAD, said=name) for name, from_s, _ in parts),
        *(_moment(e, e.at - began_s, seen.owners) for e in seen.events if e.event in _OF_SCALING),
        *_first_answers(seen, began_s),
    ]
    # Whoever was there is sent the first request there ever was by this load, too.
    moments = [
        moment
        for moment in moments
        if not (moment.step is Step.FIRST_REQUEST and moment.machine in seen.there_before)
    ]
    moments.sort(key=lambda moment: moment.at_s)
    return Timeline(moments=tuple(moments), scale_outs=tuple(_scale_outs(moments)))


def _moment(event: Event, at_s: float, owners: Mapping[str, str]) -> Moment:
    facts, step = event.facts, Step(event.event)
    machine = facts.get("machine") or owners.get(facts.get("target", ""), facts.get("target", ""))
    said = str(facts.get("because", ""))
    if "metric" in facts:
        said = f"{facts['metric']} at {facts.get('value')}"
    decided = {key: int(facts[key]) for key in ("before", "desired") if key in facts}
    return Moment(at_s=at_s, step=step, scaled=event.scaled, machine=machine, said=said, **decided)


def _first_answers(seen: Seen, began_s: float) -> list[Moment]:
    first: dict[str, float] = {}
    for sample in seen.samples:
        if sample.compute_id and sample.compute_id not in seen.there_before:
            known_s = first.get(sample.compute_id, math.inf)
            first[sample.compute_id] = min(known_s, sample.answered_s)
    return [
        Moment(at_s=at_s - began_s, step=Step.FIRST_ANSWER, machine=machine)
        for machine, at_s in first.items()
    ]


def _scale_outs(moments: Sequence[Moment]) -> list[ScaleOut]:
    decisions = [moment for moment in moments if moment.step is Step.DECIDE]
    return [_scale_out(one, decisions, moments) for one in decisions if one.desired > one.before]


def _scale_out(
    decision: Moment, decisions: Sequence[Moment], moments: Sequence[Moment]
) -> ScaleOut:
    """Follow one decision: back to what led to it, on to what came of it."""
    others_s = [one.at_s for one in decisions if one.scaled == decision.scaled]
    changed_s = max(
        (m.at_s for m in moments if m.step is Step.LOAD and m.at_s <= decision.at_s), default=0.0
    )
    previous_s = max((at_s for at_s in others_s if at_s < decision.at_s), default=-math.inf)
    next_s = min((at_s for at_s in others_s if at_s > decision.at_s), default=math.inf)
    of_it = [moment for moment in moments if moment.scaled == decision.scaled]
    at_s = {Step.LOAD: changed_s}
    for step in _BEFORE_A_DECISION:
        since_s = max(changed_s, previous_s)
        seen = [m.at_s for m in of_it if m.step is step and since_s <= m.at_s <= decision.at_s]
        at_s |= {step: seen[-1]} if seen else {}
    at_s[Step.DECIDE] = decision.at_s
    launched = [
        m.machine for m in of_it if m.step is Step.LAUNCH and decision.at_s <= m.at_s < next_s
    ]
    paths = [_path(machine, moments) for machine in launched]
    # The one that came furthest, and of those the first.
    paths.sort(key=lambda path: (-len(path), max(path.values())))
    at_s |= paths[0] if paths else {}
    return ScaleOut(
        scaled=decision.scaled,
        before=decision.before,
        desired=decision.desired,
        because=decision.said,
        machines=tuple(launched),
        at_s=at_s,
    )


def _path(machine: str, moments: Sequence[Moment]) -> dict[Step, float]:
    """When a machine took each of its steps for the first time."""
    path: dict[Step, float] = {}
    for step in _OF_A_MACHINE:
        seen = [m.at_s for m in moments if m.step is step and m.machine == machine]
        path |= {step: seen[0]} if seen else {}
    return path
