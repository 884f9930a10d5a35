"""The rules at work on simulated load: properties that hold whatever the numbers are."""

import random
from itertools import pairwise

import pytest

from deploy.lab.delays import scaled
from deploy.lab.scaling.metrics import BASIC, HIGH, STANDARD, Resolution
from deploy.lab.scaling.target_tracking import Policy
from tests.unit.scaling.simulation import CPU, GroupSimulation, Simulation, step

LONG_S = 3 * 3600.0
STEP_AT_S = 600.0
KINDS = pytest.mark.parametrize("kind", [Simulation, GroupSimulation])
RESOLUTIONS = pytest.mark.parametrize("its", [STANDARD, HIGH, BASIC], ids=["60s", "20s", "300s"])


def dice_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - load to repeat, not a secret


def needed_for(demand: float, target: float = 50) -> int:
    return -int(-demand * 100 // target)


@KINDS
@RESOLUTIONS
@pytest.mark.parametrize("seed", range(4))
def test_after_a_step_it_comes_to_what_the_load_needs_and_stays(
    kind: type[Simulation], its: Resolution, seed: int
) -> None:
    dice = dice_of(seed)
    before, after = dice.uniform(0.05, 0.45), dice.uniform(0.6, 6.0)
    simulated = kind(
        step(before, after), resolution=its, boot_s=dice.choice([5.0, 30.0, 120.0])
    ).run(LONG_S)

    assert simulated.desired == needed_for(after)
    sizes = [activity.desired for activity in simulated.activities]
    assert sizes == sorted(sizes)


@KINDS
@RESOLUTIONS
@pytest.mark.parametrize("demand", [0.1, 0.49, 1.3, 3.9])
def test_constant_load_does_not_make_it_flap(
    kind: type[Simulation], its: Resolution, demand: float
) -> None:
    size = needed_for(demand)
    simulated = kind(lambda _: demand, resolution=its, machines=size).run(LONG_S)

    assert simulated.activities == []


@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_noise_that_stays_clear_of_the_target_does_not_make_it_flap(
    kind: type[Simulation], seed: int
) -> None:
    dice = dice_of(seed)
    simulated = kind(lambda _: 1.7 * dice.uniform(0.7, 1.3), machines=4).run(LONG_S)

    assert simulated.activities == []


@KINDS
@RESOLUTIONS
def test_scale_in_is_slower_than_scale_out(kind: type[Simulation], its: Resolution) -> None:
    out = kind(step(0.3, 2.4), resolution=its).run(LONG_S).activities
    back = kind(step(2.4, 0.3), resolution=its, machines=5).run(LONG_S).activities

    assert out[0].at_s < back[0].at_s
    assert back[-1].desired == 1


@KINDS
@RESOLUTIONS
@pytest.mark.parametrize("seed", range(3))
def test_scale_in_never_brings_the_metric_over_its_target(
    kind: type[Simulation], its: Resolution, seed: int
) -> None:
    after = dice_of(seed).uniform(0.1, 4.0)
    simulated = kind(step(5.0, after), resolution=its, machines=10).run(LONG_S)

    for activity in simulated.activities:
        assert activity.desired >= needed_for(after)


@pytest.mark.parametrize("seed", range(3))
def test_a_services_scale_ins_are_a_cooldown_apart(seed: int) -> None:
    dice = dice_of(seed)
    levels = [dice.uniform(0.1, 5.0) for _ in range(20)]
    simulated = Simulation(lambda now_s: levels[int(now_s // 1800) % 20]).run(10 * 3600)

    sizes = [1, *(activity.desired for activity in simulated.activities)]
    scale_ins = [
        activity.at_s
        for activity, (before, after) in zip(simulated.activities, pairwise(sizes), strict=True)
        if after < before
    ]
    assert len(scale_ins) > 2
    assert all(later - earlier >= 300 for earlier, later in pairwise(scale_ins))


def test_of_two_policies_the_one_that_needs_more_decides() -> None:
    policies = (Policy("half", CPU, 50), Policy("quarter", f"{CPU}HighResolution", 25))
    simulated = Simulation(step(0.2, 1.4), policies=policies).run(LONG_S)

    assert simulated.desired == needed_for(1.4, 25)


def mean_answer_s(its: Resolution) -> float:
    """From a step until more is asked for, over steps at every moment of a period."""
    lates_s = range(0, int(its.period_s), 5)
    answers_s = [
        Simulation(step(0.3, 0.9, STEP_AT_S + late_s), resolution=its)
        .run(LONG_S / 4)
        .activities[0]
        .at_s
        - (STEP_AT_S + late_s)
        for late_s in lates_s
    ]
    return sum(answers_s) / len(answers_s)


def test_detection_dominates_and_fast_metrics_shorten_it_several_times() -> None:
    """AWS's benchmark: 363 s and 86 s to the trigger, 23 s to launch (see the delay table)."""
    standard_s, fast_s = mean_answer_s(STANDARD), mean_answer_s(HIGH)
    provision_s = scaled("fargate-task", 1)

    assert standard_s > 3 * fast_s
    assert standard_s > 10 * provision_s
    assert fast_s > provision_s
