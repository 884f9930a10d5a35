"""Signals of a CreationPolicy: pure."""

import pytest

from deploy.lab.cloud.signals import SignalError, Signals, duration_s, signallers_first


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_a_stack_goes_on_when_all_its_instances_signalled() -> None:
    signals = Signals(Clock())
    for name in ("One", "Two"):
        signals.expect("stack", name, {"Count": "1", "Timeout": "PT10M"})
        signals.receive("stack", name, f"i-{name}", "SUCCESS")

    signals.wait_for_all("stack")

    assert not signals.pending()


def test_one_failure_fails_the_stack_and_says_whose() -> None:
    signals = Signals(Clock())
    signals.expect("stack", "One", {})
    signals.receive("stack", "One", "i-1", "FAILURE")

    with pytest.raises(SignalError, match="One: Received FAILURE signal with UniqueId i-1"):
        signals.wait_for_all("stack")


def test_an_instance_that_says_nothing_fails_after_the_timeout() -> None:
    signals = Signals(Clock())
    signals.expect("stack", "One", {"Timeout": "PT1S"})

    with pytest.raises(SignalError, match=r"One: Failed to receive 1 resource signal"):
        signals.wait_for_all("stack")


def test_the_same_instance_counts_once() -> None:
    signals = Signals(Clock())
    signals.expect("stack", "One", {"Count": 2, "Timeout": "PT3S"})
    signals.receive("stack", "One", "i-1", "SUCCESS")
    signals.receive("stack", "One", "i-1", "SUCCESS")

    with pytest.raises(SignalError, match="Failed to receive 1 resource signal"):
        signals.wait_for_all("stack")


def test_a_signal_that_nobody_waits_for_is_told_apart() -> None:
    assert not Signals(Clock()).receive("stack", "One", "i-1", "SUCCESS")


def test_instances_come_before_what_follows_them() -> None:
    order = ["Active", "Address", "Link", "Standby"]
    needs = {"Link": ["Active", "Address"]}

    assert signallers_first(order, needs, ["Active", "Standby"]) == [
        "Active",
        "Standby",
        "Address",
        "Link",
    ]


@pytest.mark.parametrize(("text", "seconds"), [("PT10M", 600), ("PT1H5S", 3605), ("PT30S", 30)])
def test_timeouts_are_iso_8601_durations(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["10M", "PT", "P1D", ""])
def test_other_timeouts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must look like PT10M"):
        duration_s(text)
