from itertools import pairwise

import pytest

from loadtest.arrivals import Arrivals, dispatch, schedule


class Clock:
    """Time that passes only when somebody sleeps or works."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class StallingServer:
    """Answers one request after the other in 1 ms, but nothing at all from 4 s to 5 s."""

    def __init__(self) -> None:
        self.free_at_s = 0.0

    def answered_at(self, arrived_s: float) -> float:
        begin_s = max(arrived_s, self.free_at_s)
        if 4 <= begin_s < 5:
            begin_s = 5.0
        self.free_at_s = begin_s + 0.001
        return self.free_at_s


def open_loop_ms(server: StallingServer, due: list[float]) -> list[float]:
    clock = Clock()
    latencies_ms: list[float] = []

    def start(_: int, intended_s: float) -> None:
        answered_s = server.answered_at(clock())
        latencies_ms.append((answered_s - intended_s) * 1000)

    dispatch(due, start, clock=clock, sleep=clock.sleep)
    return latencies_ms


def closed_loop_ms(server: StallingServer, *, requests: int, every_s: float) -> list[float]:
    """One user who waits for each answer before the next request."""
    now_s, latencies_ms = 0.0, []
    for _ in range(requests):
        answered_s = server.answered_at(now_s)
        latencies_ms.append((answered_s - now_s) * 1000)
        now_s = max(now_s + every_s, answered_s)
    return latencies_ms


def test_the_open_loop_sees_a_stall_that_the_closed_loop_hides() -> None:
    due = schedule(Arrivals.CONSTANT, rate=100, seconds=10, seed=1)

    seen = open_loop_ms(StallingServer(), due)
    hidden = closed_loop_ms(StallingServer(), requests=len(due), every_s=0.01)

    # A second of a hundred requests a second stood still.
    assert sum(latency > 100 for latency in seen) >= 90
    assert sum(latency > 100 for latency in hidden) == 1


def test_a_dispatcher_that_is_held_up_starts_what_is_overdue_at_once_with_its_intended_time() -> (
    None
):
    clock = Clock()
    started: list[tuple[float, float]] = []

    def start(n: int, intended_s: float) -> None:
        started.append((intended_s, clock()))
        if n == 0:
            clock.sleep(0.25)

    dispatch([0.0, 0.1, 0.2, 0.3], start, clock=clock, sleep=clock.sleep)

    assert started == [(0.0, 0.0), (0.1, 0.25), (0.2, 0.25), (0.3, pytest.approx(0.3))]


def test_it_yields_to_the_others_before_each_start_even_when_it_is_late() -> None:
    clock, naps = Clock(), []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        clock.sleep(seconds)

    dispatch([0.0, 0.0, 0.0], lambda *_: clock.sleep(1), clock=clock, sleep=sleep)

    assert naps == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("arrivals", [Arrivals.CONSTANT, Arrivals.POISSON])
def test_a_schedule_offers_exactly_the_rate_and_is_in_order(arrivals: Arrivals) -> None:
    due = schedule(arrivals, rate=40, seconds=5, seed=3)

    assert len(due) == 200
    assert due == sorted(due)
    assert 0 <= due[0] <= due[-1] < 5


def test_a_ramp_rises_from_nothing_to_the_rate() -> None:
    due = schedule(Arrivals.RAMP, rate=40, seconds=5, seed=1)

    per_second = [sum(second <= at < second + 1 for at in due) for second in range(5)]
    assert per_second == [4, 12, 20, 28, 36]


def test_the_same_seed_gives_the_same_arrivals_and_another_gives_others() -> None:
    def poisson(seed: int) -> list[float]:
        return schedule(Arrivals.POISSON, rate=40, seconds=5, seed=seed)

    assert poisson(1) == poisson(1)
    assert poisson(1) != poisson(2)


def test_poisson_arrivals_come_in_bursts_and_gaps() -> None:
    due = schedule(Arrivals.POISSON, rate=100, seconds=100, seed=1)

    gaps = [later - earlier for earlier, later in pairwise(due)]

    # Of exponential gaps with a mean of 10 ms, 9.5 % are under 1 ms and 5 % over 30 ms.
    assert 0.08 < sum(gap < 0.001 for gap in gaps) / len(gaps) < 0.11
    assert 0.04 < sum(gap > 0.03 for gap in gaps) / len(gaps) < 0.06
