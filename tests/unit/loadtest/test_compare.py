"""The comparison with a generator and a queue that behave, and no network."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

import pytest

from loadtest.compare import EXTRA_ROUNDS, Tools, compare, in_turn
from loadtest.generator import LATENESS_BOUND_MS, Offered
from loadtest.queue_probe import Received
from loadtest.run import Accounting, Check, ColdStart, Load, Run
from loadtest.samples import Sample
from loadtest.scenarios import IDEMPOTENCY_KEY, RUN_ATTRIBUTE, Leg
from loadtest.targets import Target
from tests.unit.loadtest.runs import ENVIRONMENT, FAILED, LOAD, PASSED

REQUESTS = 10


class Queue:
    """Holds what generators sent, and gives out what is asked for."""

    def __init__(self) -> None:
        self.messages: list[Received] = []

    def take(
        self, is_ours: Callable[[Received], bool], *, enough: int | None, timeout_s: float
    ) -> Sequence[Received]:
        del enough, timeout_s
        ours = [message for message in self.messages if is_ours(message)]
        self.messages = [message for message in self.messages if not is_ours(message)]
        return ours

    def describe(self) -> str:
        return f"{len(self.messages)} waiting"


class Generator:
    """Sends ten messages a leg into the queue; may be late in some legs, or be interrupted."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.legs: list[tuple[str, int]] = []
        self.late: set[tuple[str, int]] = set()
        self.lose: set[str] = set()
        self.interrupt_at: tuple[str, int] | None = None

    def offer(self, target: Target, leg: Leg, load: Load, *, seconds: float) -> Offered:
        del target, load, seconds
        this = (leg.target, leg.round)
        self.legs.append(this)
        lateness_s = 2 * LATENESS_BOUND_MS / 1000 if this in self.late else 0.0
        samples = []
        for n in range(REQUESTS):
            key = leg.key(n)
            if leg.target not in self.lose:
                attributes = {RUN_ATTRIBUTE: leg.run, IDEMPOTENCY_KEY: key}
                self.queue.messages.append(Received(f"id-{key}", "body", attributes))
            samples.append(
                Sample(n, "POST /messages", n, n + lateness_s, 5.0, 202, True, f"id-{key}")
            )
        if this == self.interrupt_at:
            raise KeyboardInterrupt
        return Offered(samples, asked=REQUESTS, machine_busy=0.5, generator_cores=0.1)


def run(
    generator: Generator,
    *names: str,
    verify: Callable[[Target], Sequence[Check]] = lambda _: [PASSED],
) -> Run:
    tools = Tools(
        generator=generator,
        verify=verify,
        cold_starts=lambda _: [ColdStart(cold_ms=1, warm_ms=1)],
        doing=nullcontext,
        tell=lambda _: None,
    )
    targets = [Target(name, f"http://127.9.0.1/{name}", queue=generator.queue) for name in names]
    return compare(targets, LOAD, ENVIRONMENT, tools, command="nineways compare")[0]


@pytest.fixture
def generator() -> Generator:
    return Generator(Queue())


def test_all_are_warmed_up_and_then_loaded_as_often_as_asked_for(generator: Generator) -> None:
    run(generator, "a", "b", "c")

    assert sorted(generator.legs) == [(name, n) for name in "abc" for n in range(4)]
    assert [number for _, number in generator.legs] == sorted([0, 1, 2, 3] * 3)


def test_each_begins_a_round_in_its_turn(generator: Generator) -> None:
    run(generator, "a", "b", "c")

    firsts = [name for n, (name, _) in enumerate(generator.legs) if n % 3 == 0]
    assert set(firsts) == {"a", "b", "c"}


def test_the_order_depends_on_the_seed_alone() -> None:
    targets = [Target(name, "") for name in "abcdef"]
    once = in_turn(targets, number=1, seed=7)

    assert in_turn(list(reversed(targets)), number=1, seed=7) == once
    assert in_turn(targets, number=2, seed=7) == [*once[1:], once[0]]
    assert in_turn([], number=1, seed=7) == []


def test_who_breaks_the_contract_is_not_loaded(generator: Generator) -> None:
    result = run(generator, "good", "bad", verify=lambda t: [FAILED if t.name == "bad" else PASSED])

    assert {name for name, _ in generator.legs} == {"good"}
    assert not result.subject("bad").verified
    assert result.subject("bad").accounting is None


def test_a_round_in_which_the_generator_fell_behind_is_made_up_for(generator: Generator) -> None:
    generator.late = {("a", 2)}

    result = run(generator, "a", "b")

    assert generator.legs.count(("a", LOAD.rounds + 1)) == 1
    assert generator.legs.count(("b", LOAD.rounds + 1)) == 0
    (void,) = [round_ for round_ in result.rounds if round_.void]
    assert (void.subject, void.number) == ("a", 2)
    assert "fell behind" in void.void


def test_a_generator_that_is_always_late_is_given_up(generator: Generator) -> None:
    generator.late = {("a", number) for number in range(20)}

    result = run(generator, "a")

    assert len(result.rounds) == LOAD.rounds + EXTRA_ROUNDS
    assert all(round_.void for round_ in result.rounds)


def test_every_message_is_accounted_for_the_warm_up_included(generator: Generator) -> None:
    result = run(generator, "a", "b")

    sent = REQUESTS * (LOAD.rounds + 1)
    assert result.subject("a").accounting == Accounting(
        acknowledged=sent, found=sent, lost=0, duplicated=0, unanswered=0
    )
    assert generator.queue.messages == []


def test_what_does_not_arrive_is_lost_for_the_one_who_sent_it(generator: Generator) -> None:
    generator.lose = {"b"}

    result = run(generator, "a", "b")

    lost = {s.name: s.accounting.lost for s in result.subjects if s.accounting is not None}
    assert lost == {"a": 0, "b": REQUESTS * (LOAD.rounds + 1)}


def test_others_messages_stay_in_the_queue(generator: Generator) -> None:
    others = Received("id", "theirs", {RUN_ATTRIBUTE: "another run"})
    generator.queue.messages.append(others)

    run(generator, "a")

    assert generator.queue.messages == [others]


def test_interrupted_it_leaves_no_message_behind(generator: Generator) -> None:
    generator.interrupt_at = ("a", 1)

    with pytest.raises(KeyboardInterrupt):
        run(generator, "a")

    assert generator.queue.messages == []


def offered(lateness_ms: float, *, started: int = 100) -> Offered:
    sample = Sample(0, "GET /whoami", 1.0, 1.0 + lateness_ms / 1000, 5, 200, True)
    return Offered([replace(sample, n=n) for n in range(started)], 100, 0.5, 0.1)


def test_a_round_counts_only_if_the_generator_kept_up() -> None:
    assert not offered(LATENESS_BOUND_MS - 1).void
    assert "fell behind" in offered(LATENESS_BOUND_MS + 1).void
    assert offered(1, started=98).void == "the generator started only 98 of 100 requests"
    assert offered(0, started=0).void == "the generator started only 0 of 100 requests"
