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

    A step is missing when it was not seen: the alarm was on already, no request asked the copy
    who it is, the load ended first.
    """

    scaled: str
    before: int
    desired: int
    because: str
    machines: tuple[str, ...]
    # When the load had become what it was at the decision.
    load_s: float
    # When the same had been decided upon before, under that load.
    last_decision_s: float | None
    # In the order in which it happened: a balancer that finds nobody healthy asks everybody, and
    # a new copy answers before it is found healthy.
    at_s: dict[Step, float]

    @property
    def took_s(self) -> dict[Step, float]:
        """How long each step took after the one before it, from the load's change or decision."""
        since_s = self.load_s if self.last_decision_s is None else self.last_decision_s
        known_s = [since_s, *self.at_s.values()]
        return {
            step: later_s - earlier_s
            for step, (earlier_s, later_s) in zip(self.at_s, pairwise(known_s), strict=True)
        }

    def after_s(self, *steps: Step) -> float | None:
        """From the change of the load to the first of these steps that was seen."""
        return next((self.at_s[step] - self.load_s for step in steps if step in self.at_s), None)


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


def timeline(parts: Sequence[Part], seen: Seen, *, began_s: float) -> Timeline:
    """Put together what happened under a load of these parts, begun at `began_s` since 1970."""
    moments = [
        *(Moment(at_s=from_s, step=Step.LOAD, said=name) for name, from_s, _ in parts),
        *(_moment(e, e.at - began_s) for e in seen.events if e.event in _OF_SCALING),
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


def _moment(event: Event, at_s: float) -> Moment:
    facts, step = event.facts, Step(event.event)
    machine = str(facts.get("machine", ""))
    said = str(facts.get("because", ""))
    if step is Step.GONE and "target" in facts:
        said = "no target any more"
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
    load_s = max(
        (m.at_s for m in moments if m.step is Step.LOAD and m.at_s <= decision.at_s), default=0.0
    )
    last_s = max((at_s for at_s in others_s if load_s <= at_s < decision.at_s), default=None)
    next_s = min((at_s for at_s in others_s if at_s > decision.at_s), default=math.inf)
    of_it = [moment for moment in moments if moment.scaled == decision.scaled]
    at_s: dict[Step, float] = {}
    for step in _BEFORE_A_DECISION:
        since_s = load_s if last_s is None else last_s
        seen = [m.at_s for m in of_it if m.step is step and since_s <= m.at_s <= decision.at_s]
        at_s |= {step: seen[-1]} if seen else {}
    at_s[Step.DECIDE] = decision.at_s
    launched = [
        m.machine for m in of_it if m.step is Step.LAUNCH and decision.at_s <= m.at_s < next_s
    ]
    paths = [_path(machine, moments) for machine in launched]
    # The one that came furthest, and of those the first.
    paths.sort(key=lambda path: (-len(path), max(path.values())))
    return ScaleOut(
        scaled=decision.scaled,
        before=decision.before,
        desired=decision.desired,
        because=decision.said,
        machines=tuple(launched),
        load_s=load_s,
        last_decision_s=last_s,
        at_s=at_s | (paths[0] if paths else {}),
    )


def _path(machine: str, moments: Sequence[Moment]) -> dict[Step, float]:
    """When a machine took each of its steps for the first time, in that order."""
    path: dict[Step, float] = {}
    for moment in moments:
        if moment.machine == machine and moment.step in _OF_A_MACHINE:
            path.setdefault(moment.step, moment.at_s)
    if Step.FIRST_ANSWER in path:
        # The balancer's counters are looked at now and then, and know no later: the answer is
        # the better witness.
        path.pop(Step.FIRST_REQUEST, None)
    return path
