import re
from collections.abc import Sequence

import pytest

from loadtest.archive import Samples
from loadtest.report.words import findings, headline
from loadtest.run import Run, Subject
from loadtest.samples import Sample
from loadtest.summary import summarise
from tests.unit.loadtest.runs import (
    a_run,
    about,
    accounted,
    everything,
    leg,
    subject,
)


def legs(median_ms: float, *, first_seed: int = 1) -> list[list[Sample]]:
    return [leg(about(median_ms, seed=first_seed + n)) for n in range(3)]


def said(run: Run, samples: Samples) -> str:
    return "\n".join(findings(run, summarise(run, samples)))


def two(fast_ms: float, slow_ms: float, subjects: Sequence[Subject] = ()) -> str:
    return headline(
        summarise(
            *a_run(
                subjects or [subject("one"), subject("two")],
                {"one": legs(fast_ms), "two": legs(slow_ms, first_seed=4)},
            )
        )
    )


def test_a_clear_difference_is_told_as_a_factor() -> None:
    text = two(5, 15)

    assert text.startswith("one answers fastest: two, the next, takes 3.")


def test_what_the_intervals_cannot_tell_apart_is_told_as_equal() -> None:
    assert two(5.0, 5.05) == "one and two answer equally fast, as far as this run can tell."


def test_who_is_clearly_slower_than_a_tie_is_told_too() -> None:
    run, samples = a_run(
        [subject(name) for name in ("one", "two", "three")],
        {"one": legs(5), "two": legs(5.05, first_seed=4), "three": legs(20, first_seed=7)},
    )

    text = headline(summarise(run, samples))

    assert text.startswith("one and two answer equally fast")
    assert "; three takes 4." in text or "; three takes 3." in text


def test_several_slower_ones_are_told_from_the_least_to_the_most() -> None:
    medians_ms = {"one": 5, "two": 5.05, "three": 20, "four": 80}
    run, samples = a_run(
        [subject(name) for name in medians_ms],
        {
            name: legs(median_ms, first_seed=1 + 3 * n)
            for n, (name, median_ms) in enumerate(medians_ms.items())
        },
    )

    told = re.search(
        r"; the other 2 take (.*) to (.*) times as long\.$", headline(summarise(run, samples))
    )

    assert told
    assert float(told[1]) == pytest.approx(4, rel=0.3)
    assert float(told[2]) == pytest.approx(16, rel=0.3)


def test_nothing_measured_is_told_as_nothing() -> None:
    assert headline(summarise(*a_run([subject("one")], {}))) == "Nothing could be measured."


def test_everything_that_went_wrong_is_told() -> None:
    text = said(*everything())

    assert "slow failed 6 of 600 requests (1 %), mostly: status 503 queue_unavailable." in text
    assert "Of 600 messages that slow acknowledged, 2 were not in the queue" in text
    assert "1 copy too many" in text
    assert "3 messages of slow arrived without being acknowledged" in text
    assert "A cold start of slow takes 675 ms where a warm request takes 5.50" in text
    assert "wrong was not loaded: it failed 1 of 2 checks" in text
    assert "it answered 500" in text
    assert "1 round of fast does not count" in text


def test_a_good_run_is_told_as_one() -> None:
    run, samples = a_run([subject("one", accounting=accounted())], {"one": legs(5)})

    assert "None of the 600 requests failed." in said(run, samples)
    assert "Each of the 600 acknowledged messages was in the queue" in said(run, samples)


def test_a_busy_machine_is_told() -> None:
    run, samples = a_run([subject("one")], {"one": legs(5)}, busy=0.95)

    assert "up to 95% busy" in said(run, samples)


def test_errors_do_not_flatter_the_latency() -> None:
    quick_errors = leg(lambda n: 0.1 if n < 100 else 50, failed=range(100))
    run, samples = a_run([subject("one")], {"one": [quick_errors] * 3})

    (summary,) = summarise(run, samples)

    assert summary.latency_ms[50.0].value == 50
    assert summary.failed == 300
    assert summary.achieved_per_s == pytest.approx(20, rel=0.01)


def test_a_void_round_is_in_no_figure() -> None:
    run, samples = a_run(
        [subject("one")],
        {"one": [leg(about(5)), leg(about(500)), leg(about(5))]},
        void=[("one", 2)],
    )

    (summary,) = summarise(run, samples)

    assert (summary.rounds, summary.void_rounds, summary.sent) == (2, 1, 400)
    assert summary.max_ms < 100
