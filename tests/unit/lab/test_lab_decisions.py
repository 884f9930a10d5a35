"""What the lab decides without doing anything."""

import pytest

from deploy.lab.delays import DELAYS, scaled
from deploy.lab.fleet.governor import PERIOD_S, Account
from deploy.lab.reconcile import changes


def test_what_is_wanted_and_does_not_run_is_started_and_the_reverse_stopped() -> None:
    todo = changes(wanted={"i-1", "i-2"}, running={"i-2", "i-3"})
    assert todo.start == {"i-1"}
    assert todo.stop == {"i-3"}


def test_when_all_is_well_nothing_is_done() -> None:
    todo = changes(wanted={"i-1"}, running={"i-1"})
    assert not todo.start
    assert not todo.stop


def test_an_account_in_debt_stops_until_it_has_paid() -> None:
    account = Account(vcpus=0.5)
    assert not account.settle(used_s=0.02, passed_s=0.02)
    assert not account.settle(used_s=0.0, passed_s=0.01)
    assert account.settle(used_s=0.0, passed_s=0.01)


def test_an_idle_account_saves_up_no_more_than_one_period() -> None:
    account = Account(vcpus=0.25)
    account.settle(used_s=0.0, passed_s=3600.0)
    assert account.saved_s == 0.25 * PERIOD_S


def test_over_many_slices_the_share_is_the_size() -> None:
    account = Account(vcpus=0.25)
    runs, used_s = True, 0.0
    for _ in range(10_000):
        slice_s = 0.01 if runs else 0.0
        used_s += slice_s
        runs = account.settle(used_s=slice_s, passed_s=0.01)
    assert used_s / 100 == pytest.approx(0.25, rel=0.01)


@pytest.mark.parametrize("delay", DELAYS, ids=lambda delay: delay.name)
def test_every_delay_says_where_it_is_from_and_shrinks_with_speed(delay: object) -> None:
    name, aws_s, source = (getattr(delay, key) for key in ("name", "aws_s", "source"))
    assert "20" in source
    assert scaled(name, 1) == aws_s
    assert scaled(name, 10) == pytest.approx(aws_s / 10)
