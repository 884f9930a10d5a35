import numpy as np
import pytest

from loadtest.figures import Estimate, Latencies, percentiles


def rounds(*medians: float, size: int = 200, seed: int = 1) -> list[Latencies]:
    random = np.random.default_rng(seed)
    return [median * random.lognormal(0, 0.3, size) for median in medians]


def test_percentiles_are_those_of_all_samples_together() -> None:
    measured = rounds(5, 6, 7)

    estimates = percentiles(measured)

    assert estimates[99.0].value == pytest.approx(np.percentile(np.concatenate(measured), 99))


def test_an_interval_holds_its_value() -> None:
    for estimate in percentiles(rounds(5, 6, 7)).values():
        assert estimate.low <= estimate.value <= estimate.high


def test_rounds_that_disagree_make_the_interval_wide() -> None:
    alike = percentiles(rounds(5, 5, 5))[50.0]
    unlike = percentiles(rounds(3, 5, 9))[50.0]

    assert unlike.high - unlike.low > 5 * (alike.high - alike.low)


def test_the_same_samples_give_the_same_intervals() -> None:
    assert percentiles(rounds(5, 6, 7)) == percentiles(rounds(5, 6, 7))


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # Ten rounds, each with a mood of its own, of a service whose true median is 5 ms.
    covered = 0
    for seed in range(40):
        moods = 5 * np.random.default_rng(1000 + seed).lognormal(0, 0.1, 10)
        median = percentiles(rounds(*moods, seed=seed, size=50), replicates=100)[50.0]
        covered += median.low <= 5 <= median.high

    assert 40 * 0.8 <= covered <= 40


def test_a_round_without_a_good_answer_adds_nothing_and_none_at_all_gives_none() -> None:
    (measured,) = rounds(5)

    assert percentiles([measured, np.array([])]).keys() == {50.0, 90.0, 99.0}
    assert percentiles([np.array([])]) == {}


def test_intervals_overlap_when_they_share_a_value() -> None:
    assert Estimate(5, 4, 6).overlaps(Estimate(7, 6, 8))
    assert not Estimate(5, 4, 6).overlaps(Estimate(7, 6.1, 8))
