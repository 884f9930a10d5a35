"""Verify, warm up, load each target at the same offered rate in turns, account for everything."""

import random
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from loadtest.accounting import account
from loadtest.archive import WARM_UP, Samples
from loadtest.arrivals import Arrivals
from loadtest.generator import Generator, Offered
from loadtest.queue_probe import QueueProbe, Received
from loadtest.run import (
    Accounting,
    Check,
    ColdStart,
    Environment,
    Load,
    Round,
    Run,
    Subject,
    Verdict,
)
from loadtest.samples import Sample
from loadtest.scenarios import IDEMPOTENCY_KEY, RUN_ATTRIBUTE, Leg, key_prefix
from loadtest.targets import Target

# After a round the queue is emptied of what is known to be in it, so that it does not grow from
# round to round; at the end it is searched until it is silent.
SWEEP_S = 10.0
SEARCH_S = 120.0
# Rounds in which the generator fell behind are made up for, but not for ever.
EXTRA_ROUNDS = 2


@dataclass(frozen=True)
class Tools:
    """What a comparison acts with; tests bring their own."""

    generator: Generator
    verify: Callable[[Target], Sequence[Check]]
    cold_starts: Callable[[Target], Sequence[ColdStart]]
    # Shows a step while it is done.
    doing: Callable[[str], AbstractContextManager[object]]
    tell: Callable[[str], None]


@dataclass
class Comparison:
    """One comparison under way. Each step leaves its results in the fields."""

    targets: Sequence[Target]
    load: Load
    tools: Tools
    id: str
    checks: dict[str, Sequence[Check]] = field(default_factory=dict)
    cold: dict[str, Sequence[ColdStart]] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    samples: dict[tuple[str, int], list[Sample]] = field(default_factory=dict)
    found: list[Received] = field(default_factory=list)

    def verify(self) -> None:
        """Hold each target against the contract."""
        for target in self.targets:
            with self.tools.doing(f"verify {target.name}"):
                self.checks[target.name] = self.tools.verify(target)
            self.tell_failures(target)

    def tell_failures(self, target: Target) -> None:
        """Say why a target will not be loaded."""
        for check in self.checks[target.name]:
            if check.verdict is Verdict.FAILED:
                self.tools.tell(f"{target.name} fails {check.name}: {check.reason}")

    def able(self) -> list[Target]:
        """The targets that passed: only they are loaded."""
        return [target for target in self.targets if passed(self.checks[target.name])]

    def start_cold(self) -> None:
        """Meet new environments on purpose, where there is such a thing."""
        for target in self.able():
            if target.environments:
                with self.tools.doing(f"start {target.name} cold"):
                    self.cold[target.name] = self.tools.cold_starts(target)

    def load_all(self) -> None:
        """Warm up, then load in turns until each target has the rounds that were asked for."""
        self.load_round(WARM_UP, self.able())
        for number in range(1, self.load.rounds + EXTRA_ROUNDS + 1):
            self.load_round(number, [t for t in self.able() if self.lacks_rounds(t)])

    def search(self, *, timeout_s: float) -> None:
        """Take everything of this comparison out of the queues."""
        for queue in distinct(target.queue for target in self.targets):
            self.take(queue, enough=None, timeout_s=timeout_s)

    def lacks_rounds(self, target: Target) -> bool:
        """Whether it has fewer rounds that count than were asked for."""
        counted = sum(not r.void for r in self.rounds if r.subject == target.name)
        return counted < self.load.rounds

    def load_round(self, number: int, targets: Sequence[Target]) -> None:
        """Load each target once, then take the round's messages out of the queues."""
        for target in in_turn(targets, number=number, seed=self.load.seed):
            self.load_one(Leg(self.id, target.name, number), target)
        for queue in distinct(target.queue for target in targets):
            legs = [(t.name, number) for t in targets if t.queue is queue]
            sent = sum(bool(sample.message_id) for leg in legs for sample in self.samples[leg])
            self.take(queue, enough=sent, timeout_s=SWEEP_S)

    def take(self, queue: QueueProbe, *, enough: int | None, timeout_s: float) -> None:
        """Take messages of this comparison out of a queue."""
        self.found += queue.take(
            lambda message: message.attributes.get(RUN_ATTRIBUTE) == self.id,
            enough=enough,
            timeout_s=timeout_s,
        )

    def load_one(self, leg: Leg, target: Target) -> None:
        """Offer one leg and keep what came of it."""
        warm_up = leg.round == WARM_UP
        what = "warm up" if warm_up else f"round {leg.round}:"
        seconds = self.load.warm_up_s if warm_up else self.load.seconds
        arrivals = Arrivals.RAMP if warm_up else self.load.arrivals
        load = self.load.model_copy(update={"arrivals": arrivals})
        started_s = time.time()
        with self.tools.doing(f"{what} {target.name}"):
            offered = self.tools.generator.offer(target, leg, load, seconds=seconds)
        self.samples[leg.target, leg.round] = list(offered.samples)
        if warm_up:
            return
        self.rounds.append(as_round(leg, offered, started_s=started_s))
        if offered.void:
            self.tools.tell(f"round {leg.round} of {target.name} does not count: {offered.void}")

    def subject(self, target: Target) -> Subject:
        """Write up what is known of one target."""
        accounting, note = self.account(target)
        return Subject(
            name=target.name,
            title=target.title,
            url=target.url,
            version=target.version,
            checks=tuple(self.checks[target.name]),
            cold_starts=tuple(self.cold.get(target.name, ())),
            accounting=accounting,
            accounting_note=note,
        )

    def account(self, target: Target) -> tuple[Accounting | None, str]:
        """Account for the messages of one target, warm-up and void rounds included."""
        acknowledged = {
            Leg(self.id, name, number).key(sample.n): sample.message_id
            for (name, number), samples in self.samples.items()
            for sample in samples
            if name == target.name and sample.message_id
        }
        if not acknowledged:
            return None, "no message was acknowledged"
        if target.queue is None:
            return None, "the queue behind it is not known"
        prefix = key_prefix(self.id, target.name)
        found = [m for m in self.found if m.attributes.get(IDEMPOTENCY_KEY, "").startswith(prefix)]
        return account(acknowledged, found), ""


def compare(
    targets: Sequence[Target], load: Load, environment: Environment, tools: Tools, *, command: str
) -> tuple[Run, Samples]:
    """Compare the targets; those that fail the contract are told about and not loaded."""
    started_at = datetime.now(UTC)
    began = time.monotonic()
    comparison = Comparison(targets, load, tools, new_id(started_at))
    try:
        comparison.verify()
        comparison.load_all()
        # After the rounds: many environments that start at once would disturb them.
        comparison.start_cold()
        with tools.doing("look for every message in the queue"):
            comparison.search(timeout_s=SEARCH_S)
    except BaseException:
        # Ctrl-C too: what was sent does not stay in the queue.
        comparison.search(timeout_s=SWEEP_S)
        raise
    run = Run(
        id=comparison.id,
        command=command,
        started_at=started_at,
        took_s=time.monotonic() - began,
        load=load,
        environment=environment,
        subjects=tuple(comparison.subject(target) for target in targets),
        rounds=tuple(comparison.rounds),
    )
    return run, comparison.samples


def new_id(now: datetime) -> str:
    """Name a run: sortable, and unlike any other."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def passed(checks: Iterable[Check]) -> bool:
    """Whether no check failed."""
    return all(check.verdict is not Verdict.FAILED for check in checks)


def in_turn(targets: Sequence[Target], *, number: int, seed: int) -> list[Target]:
    """Who is loaded when in a round: shuffled once, then moved on by one each round.

    What disturbs the machine for a while then disturbs nobody's rounds alone.
    """
    shuffled = sorted(targets, key=lambda target: target.name)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order to repeat, not a secret
    turn = number % len(shuffled) if shuffled else 0
    return shuffled[turn:] + shuffled[:turn]


def as_round(leg: Leg, offered: Offered, *, started_s: float) -> Round:
    """What to remember of a leg besides its samples."""
    return Round(
        subject=leg.target,
        number=leg.round,
        started_s=started_s,
        offered=offered.asked,
        started=len(offered.samples),
        lateness_p99_ms=offered.lateness_p99_ms,
        machine_busy=offered.machine_busy,
        generator_cores=offered.generator_cores,
        void=offered.void,
    )


def distinct(queues: Iterable[QueueProbe | None]) -> list[QueueProbe]:
    """Each queue once, for the variants may share one."""
    return list({id(queue): queue for queue in queues if queue}.values())
