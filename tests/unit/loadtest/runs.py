"""Made-up comparisons for tests of what is said about them."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from loadtest.archive import Samples
from loadtest.run import (
    Accounting,
    Check,
    ColdStart,
    Delay,
    Environment,
    Load,
    Round,
    Run,
    Subject,
    Verdict,
)
from loadtest.samples import Sample

START_S = 1_795_000_000.0
LOAD = Load(scenario="send", rate=40, seconds=5, rounds=3, seed=1, arrivals="constant", warm_up_s=2)
PASSED = Check(name="liveness", promise="/healthz answers 200", verdict=Verdict.PASSED)
FAILED = Check(
    name="sending", promise="POST answers 202", verdict=Verdict.FAILED, reason="it answered 500"
)
ENVIRONMENT = Environment(
    place="lab",
    machine="a processor",
    cores=2,
    memory_gib=8,
    system="Linux",
    python="3.13",
    locust="2",
    project="0",
    revision="abc",
    speed=10,
    delays=(Delay(name="fargate-task", aws_s=30, lab_s=3, source="somewhere, 2026"),),
)

Latency = Callable[[int], float]


def leg(latency: Latency, *, failed: Sequence[int] = ()) -> list[Sample]:
    """One round: 200 requests at even distances."""
    return [
        Sample(
            n=n,
            name="POST /messages",
            intended_s=START_S + n / LOAD.rate,
            started_s=START_S + n / LOAD.rate + 0.001,
            latency_ms=latency(n),
            status=503 if n in failed else 202,
            ok=n not in failed,
            message_id="" if n in failed else f"m-{n}",
            error="status 503 queue_unavailable" if n in failed else "",
        )
        for n in range(200)
    ]


def about(milliseconds: float, *, seed: int = 1) -> Latency:
    """Latencies around a median, with a tail."""
    moments = random.Random(seed)  # noqa: S311 - made up, and the same each time
    return lambda _: milliseconds * moments.lognormvariate(0, 0.3)


def subject(
    name: str,
    *,
    checks: Sequence[Check] = (PASSED,),
    cold: Sequence[ColdStart] = (),
    accounting: Accounting | None = None,
) -> Subject:
    return Subject(
        name=name,
        title=f"Title of {name}",
        url=f"http://127.9.0.1/{name}",
        checks=tuple(checks),
        cold_starts=tuple(cold),
        accounting=accounting,
        accounting_note="" if accounting else "the queue behind it is not known",
    )


def accounted(**others: int) -> Accounting:
    return Accounting(
        **{
            "acknowledged": 600,
            "found": 600,
            "lost": 0,
            "duplicated": 0,
            "unanswered": 0,
            **others,
        }
    )


def a_run(
    subjects: Sequence[Subject],
    legs: Mapping[str, Sequence[list[Sample]]],
    *,
    void: Sequence[tuple[str, int]] = (),
    busy: float = 0.5,
) -> tuple[Run, Samples]:
    """Put a run together from the legs of each subject."""
    numbered = {
        (name, number): samples
        for name, those in legs.items()
        for number, samples in enumerate(those, start=1)
    }
    rounds = tuple(
        Round(
            subject=name,
            number=number,
            started_s=START_S,
            offered=200,
            started=len(samples),
            lateness_p99_ms=1,
            machine_busy=busy,
            generator_cores=0.1,
            void="the generator fell behind" if (name, number) in void else "",
        )
        for (name, number), samples in numbered.items()
    )
    run = Run(
        id="20261123-120000-beef",
        command="nineways compare fast slow --rate=40",
        started_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        took_s=80,
        load=LOAD,
        environment=ENVIRONMENT,
        subjects=tuple(subjects),
        rounds=rounds,
    )
    return run, numbered


def everything() -> tuple[Run, Samples]:
    """A run with one of everything: errors, a void round, a cold start, a loss, a failed check."""
    return a_run(
        [
            subject("fast", accounting=accounted()),
            subject(
                "slow",
                cold=[ColdStart(cold_ms=700, warm_ms=5), ColdStart(cold_ms=650, warm_ms=6)],
                accounting=accounted(lost=2, duplicated=1, unanswered=3),
            ),
            subject("wrong", checks=[PASSED, FAILED]),
        ],
        {
            "fast": [leg(about(5, seed=seed)) for seed in (1, 2, 3)],
            "slow": [leg(about(20, seed=seed), failed=[7, 8]) for seed in (4, 5, 6)],
        },
        void=[("fast", 2)],
    )
