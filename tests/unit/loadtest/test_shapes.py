from itertools import pairwise

import pytest

from loadtest.shapes import Constant, Ramp, Shape, ShapeError, Spike, Step, parse, schedule


def per_second(shape: Shape, seconds: int) -> list[int]:
    due = schedule(shape, seconds=seconds)
    return [sum(second <= at < second + 1 for at in due) for second in range(seconds)]


def test_a_constant_rate_is_offered_every_second() -> None:
    assert per_second(Constant(40), 5) == [40] * 5


def test_a_step_changes_the_rate_at_its_moment() -> None:
    assert per_second(Step(10, 100, at_s=2), 4) == [10, 10, 100, 100]


def test_a_ramp_rises_evenly_and_stays() -> None:
    assert per_second(Ramp(0, 40, over_s=4), 6) == [5, 15, 25, 35, 40, 40]


def test_a_ramp_may_fall() -> None:
    assert Ramp(100, 20, over_s=10)(5) == 60


def test_a_spike_ends() -> None:
    assert per_second(Spike(10, 200, at_s=1, for_s=2), 4) == [10, 200, 200, 10]


@pytest.mark.parametrize("rate", [0.3, 7.7, 33.333, 1234.5])
def test_requests_are_evenly_spaced_and_in_order(rate: float) -> None:
    due = schedule(Constant(rate), seconds=10)

    assert len(due) == pytest.approx(rate * 10, abs=1)
    assert all(
        later - earlier == pytest.approx(1 / rate, rel=1e-3) for earlier, later in pairwise(due)
    )
    assert 0 <= due[0] <= due[-1] < 10


def test_nothing_is_offered_while_the_rate_is_zero() -> None:
    due = schedule(Step(0, 5, at_s=3), seconds=4)
    assert due == pytest.approx([3.0, 3.2, 3.4, 3.6, 3.8])


def test_a_part_of_a_second_is_offered_in_part() -> None:
    assert len(schedule(Constant(100), seconds=0.255)) == 26


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("constant:40", Constant(40)),
        ("step:20:200@30", Step(20, 200, 30)),
        ("ramp:0:100@60", Ramp(0, 100, 60)),
        ("spike:20:500@30+10", Spike(20, 500, 30, 10)),
    ],
)
def test_a_shape_is_typed_in_one_word(text: str, expected: Shape) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "step",
        "step:20",
        "step:a:b@c",
        "wave:1",
        "step:1:2@3+4",
        "constant:-1",
        "ramp:1:2@0",
        "constant:nan",
    ],
)
def test_what_is_no_shape_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ShapeError, match="step:20:200@30"):
        parse(text)
