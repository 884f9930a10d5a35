import pytest

from deploy.lab.scaling.metrics import (
    BASIC,
    HIGH,
    KEPT_PERIODS,
    PER_MINUTE,
    STANDARD,
    Resolution,
    Series,
    Share,
    resolution,
)

MINUTE = Resolution(period_s=60, arrival_s=0)


def share(amount: float, of: float, machines: int = 1) -> Share:
    """Of one second."""
    return Share(amount, of, machines, passed_s=1)


def test_a_data_point_is_the_share_over_its_period() -> None:
    series = Series(MINUTE)
    series.add(10, share(9, 10))
    series.add(50, share(3, 20, 2))

    (point,) = series.arrived(60)

    assert point.start_s == 0
    assert point.value == pytest.approx(40)


def test_a_data_point_knows_how_many_machines_made_it() -> None:
    series = Series(MINUTE)
    for second in range(60):
        machines = 1 if second < 30 else 2
        series.add(second, share(0.5, 1, machines))

    (point,) = series.arrived(60)

    assert point.capacity == pytest.approx(1.5)


def test_it_arrives_when_its_period_is_over_and_it_was_published() -> None:
    series = Series(Resolution(period_s=60, arrival_s=100))
    series.add(30, share(1, 1))

    assert series.arrived(159) == []
    assert [point.value for point in series.arrived(160)] == [100]


def test_a_period_in_which_nobody_looked_has_no_value() -> None:
    series = Series(MINUTE)
    series.add(30, share(1, 2))
    series.add(150, share(1, 1))

    assert [point.value for point in series.arrived(240)] == [50, None, 100, None]


def test_requests_of_a_shorter_minute_count_as_a_minutes_at_that_rate() -> None:
    # 20 requests a second to two targets, in a lab ten times as fast: 6 s make a minute.
    series = Series(MINUTE, PER_MINUTE)
    series.add(59, share(120, 2 * 6, 2))

    (point,) = series.arrived(60)

    assert point.value == pytest.approx(600)


def test_no_requests_are_a_zero_and_not_nothing() -> None:
    series = Series(MINUTE, PER_MINUTE)
    series.add(30, share(0, 2, 2))

    assert [point.value for point in series.arrived(60)] == [0]


def test_what_no_alarm_looks_at_any_more_is_forgotten() -> None:
    series = Series(MINUTE)
    for minute in range(1000):
        series.add(minute * 60, share(1, 1))

    assert len(series.arrived(60_000)) <= KEPT_PERIODS + 1


@pytest.mark.parametrize(
    ("metric", "detailed", "expected"),
    [
        ("ASGAverageCPUUtilization", True, STANDARD),
        ("ASGAverageCPUUtilization", False, BASIC),
        ("ALBRequestCountPerTarget", False, STANDARD),
        ("ECSServiceAverageCPUUtilization", True, STANDARD),
        ("ECSServiceAverageCPUUtilizationHighResolution", True, HIGH),
    ],
)
def test_how_often_a_metric_comes(metric: str, detailed: bool, expected: Resolution) -> None:  # noqa: FBT001 - of the table
    assert resolution(metric, detailed_monitoring=detailed) is expected


def test_the_delay_table_is_what_it_says_it_is_derived_from() -> None:
    """Half a period until the first whole one begins, three periods, and their way to the alarm."""
    assert 3.5 * STANDARD.period_s + STANDARD.arrival_s == 363
    assert 3.5 * HIGH.period_s + HIGH.arrival_s == 86
