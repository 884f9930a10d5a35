"""Draining and numbering: pure."""

from deploy.lab.cloud.draining import Draining, Target
from deploy.lab.cloud.numbering import Numbering

A, B = Target("127.9.30.1", 8000), Target("127.9.30.1", 8001)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_target_drains_for_its_delay_and_is_gone_after() -> None:
    clock = Clock()
    draining = Draining(clock)
    draining.begin("group", [A], delay_s=30)

    clock.now = 29.9
    assert draining.of("group") == [A]
    clock.now = 30.1
    assert draining.of("group") == []


def test_two_ports_of_one_address_drain_apart() -> None:
    draining = Draining(Clock())
    draining.begin("group", [A, B], delay_s=30)

    draining.cancel("group", [A])

    assert draining.of("group") == [B]
    assert draining.holds(A.id, ["group"])


def test_a_group_that_was_deleted_holds_nobody() -> None:
    draining = Draining(Clock())
    draining.begin("group", [A], delay_s=30)

    assert not draining.holds(A.id, ["another group"])


def test_addresses_are_given_out_in_order_and_not_at_once_again() -> None:
    numbering = Numbering(str)

    assert numbering.next(taken=[]) == "1"
    assert numbering.next(taken=["2"]) == "3"
    assert numbering.next(taken=[]) == "4"
