import pytest

from deploy.lab.scaling.alarms import Alarm, AlarmState

HIGH = Alarm(3, above=50)
LOW = Alarm(15, below=45)


def test_three_breaching_data_points_raise_the_high_alarm() -> None:
    assert HIGH.evaluate([10, 51, 52, 53]) is AlarmState.ALARM


def test_the_target_itself_is_no_breach() -> None:
    assert HIGH.evaluate([51, 50, 53]) is AlarmState.OK


def test_one_good_data_point_among_three_keeps_the_alarm_off() -> None:
    assert HIGH.evaluate([90, 40, 90]) is AlarmState.OK


@pytest.mark.parametrize("values", [[], [None], [60.0, 60.0], [None, 60.0, None, None, 60.0]])
def test_too_few_data_points_say_nothing(values: list[float | None]) -> None:
    assert HIGH.evaluate(values) is AlarmState.INSUFFICIENT_DATA


def test_a_missing_period_is_made_up_by_an_older_one() -> None:
    assert HIGH.evaluate([60, 60, None, 60]) is AlarmState.ALARM


def test_the_low_alarm_takes_fifteen() -> None:
    assert LOW.evaluate([90] + [40] * 14) is AlarmState.OK
    assert LOW.evaluate([90] + [40] * 15) is AlarmState.ALARM


def test_data_older_than_the_window_and_its_spare_periods_is_not_looked_at() -> None:
    assert HIGH.evaluate([60, 60, 60, None, None, None, None]) is AlarmState.INSUFFICIENT_DATA
