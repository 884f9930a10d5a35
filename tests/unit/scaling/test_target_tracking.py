import pytest

from deploy.lab.scaling.alarms import AlarmState
from deploy.lab.scaling.metrics import HIGH, STANDARD
from deploy.lab.scaling.target_tracking import (
    Change,
    Group,
    Limits,
    Policy,
    Reading,
    Service,
    alarms,
    decide_group,
    decide_service,
    needed,
)

ON, OFF, BLIND = AlarmState.ALARM, AlarmState.OK, AlarmState.INSUFFICIENT_DATA
CPU = Policy("cpu", "ECSServiceAverageCPUUtilization", 50)
REQUESTS = Policy("requests", "ALBRequestCountPerTarget", 1000)


def high(value: float, capacity: float = 2, policy: Policy = CPU) -> Reading:
    return Reading(policy, ON, OFF, value, 0, capacity)


def low(value: float, capacity: float = 4, policy: Policy = CPU) -> Reading:
    return Reading(policy, OFF, ON, value, 0, capacity)


def calm(policy: Policy = CPU) -> Reading:
    return Reading(policy, OFF, OFF, policy.target_value, 0, 4)


def service(desired: int, running: int | None = None, **rest: object) -> Service:
    limits = Limits(minimum=1, maximum=10, desired=desired)
    return Service(limits, desired if running is None else running, **rest)  # type: ignore[arg-type]


def desired(of: Service, *readings: Reading, now_s: float = 1000) -> int | None:
    decision = decide_service(now_s, of, readings)
    return decision.desired if decision else None


def group(warm: int, *, desired: int | None = None, warming: int = 0) -> Group:
    limits = Limits(minimum=1, maximum=10, desired=warm if desired is None else desired)
    return Group(limits, warm, warming)


# ---- the alarms ----


def test_the_alarms_are_those_that_aws_makes() -> None:
    its_high, its_low = alarms(Policy("cpu", "CPU", 70), STANDARD.period_s)
    assert (its_high.periods, its_high.above) == (3, 70)
    assert (its_low.periods, its_low.below) == (15, 63)


def test_with_fast_metrics_scale_out_is_faster_and_scale_in_takes_as_long() -> None:
    its_high, its_low = alarms(CPU, HIGH.period_s)
    assert its_high.periods * HIGH.period_s == 60
    assert its_low.periods * HIGH.period_s == 900


# ---- how many ----


@pytest.mark.parametrize(
    ("capacity", "value", "expected"), [(2, 75, 3), (2, 76, 4), (4, 25, 2), (4, 26, 3), (3, 50, 3)]
)
def test_it_rounds_up_whether_it_adds_or_removes(
    capacity: int, value: float, expected: int
) -> None:
    assert needed(capacity, value, 50) == expected


def test_scaling_is_proportional() -> None:
    assert desired(service(2), high(100)) == 4
    assert desired(service(4), low(20)) == 2


def test_it_never_leaves_the_limits() -> None:
    assert desired(service(8), high(100, capacity=8)) == 10
    assert desired(service(4), low(0)) == 1
    assert desired(service(10), high(100, capacity=10)) is None


def test_a_service_outside_its_limits_is_brought_inside() -> None:
    assert desired(service(0)) == 1
    assert desired(service(11)) == 10


# ---- several policies ----


def test_the_largest_wish_to_scale_out_wins() -> None:
    assert desired(service(2), high(60), high(4000, policy=REQUESTS)) == 8


def test_one_policy_is_enough_to_scale_out_while_the_other_is_low() -> None:
    assert desired(service(2), high(100), low(0, 2, REQUESTS)) == 4


def test_scale_in_needs_every_policy() -> None:
    assert desired(service(4), low(20), calm(REQUESTS)) is None
    assert desired(service(4), low(20), low(300, 4, REQUESTS)) == 2


def test_the_most_careful_wish_to_scale_in_wins() -> None:
    assert desired(service(4), low(5), low(700, 4, REQUESTS)) == 3


def test_a_policy_with_scale_in_disabled_is_not_asked() -> None:
    only_out = Policy("only-out", "ALBRequestCountPerTarget", 1000, disable_scale_in=True)
    assert desired(service(4), low(20), calm(only_out)) == 2
    assert desired(service(4), low(20, policy=only_out)) is None


def test_nobody_scales_in_while_another_policys_high_alarm_is_on() -> None:
    # At the maximum: the high alarm has nothing to add any more.
    at_most = Service(Limits(1, 4, 4), running=4)
    only_out = Policy("only-out", "ALBRequestCountPerTarget", 1000, disable_scale_in=True)
    assert desired(at_most, low(20), high(5000, 4, only_out)) is None


def test_insufficient_data_does_nothing() -> None:
    assert desired(service(4), Reading(CPU)) is None
    assert desired(service(4), low(20), Reading(REQUESTS)) is None


def test_insufficient_data_of_one_does_not_keep_another_from_scaling_out() -> None:
    assert desired(service(2), high(100), Reading(REQUESTS)) == 4


# ---- services: cooldowns ----


def test_while_a_scale_out_cools_down_only_a_larger_one_counts() -> None:
    out = Change(at_s=900, before=2, after=4)
    assert desired(service(4, last_out=out), high(100)) is None
    assert desired(service(4, last_out=out), high(150)) == 6


def test_after_its_cooldown_a_scale_out_counts_from_the_capacity_there_is() -> None:
    out = Change(at_s=600, before=2, after=4)
    assert desired(service(4, last_out=out), high(100, capacity=4)) == 8


def test_tasks_that_pend_are_not_asked_for_again() -> None:
    out = Change(at_s=0, before=2, after=4)
    assert desired(service(4, running=2, last_out=out), high(100)) is None


def test_a_stale_metric_is_not_multiplied_with_the_new_capacity() -> None:
    # Measured with two tasks; meanwhile there are four.
    assert desired(service(4), high(100, capacity=2)) is None
    # Measured with four; meanwhile there are two.
    assert desired(service(2), low(20, capacity=4)) is None


def test_scale_in_waits_out_its_cooldown() -> None:
    just = Change(at_s=800, before=6, after=4)
    assert desired(service(4, last_in=just), low(20)) is None
    assert desired(service(4, last_in=just), low(20), now_s=1100) == 2


def test_a_scale_out_does_not_wait_for_the_cooldown_of_scale_in() -> None:
    just = Change(at_s=999, before=4, after=2)
    assert desired(service(2, last_in=just), high(100)) == 4


def test_a_deployment_turns_scale_in_off_and_leaves_scale_out_on() -> None:
    assert desired(service(4, is_deploying=True), low(20)) is None
    assert desired(service(2, is_deploying=True), high(100)) == 4


def test_the_decision_says_why() -> None:
    decision = decide_service(0, service(2), [high(87.654)])
    assert decision
    assert decision.because == "cpu: ECSServiceAverageCPUUtilization 87.65 > 50"


# ---- groups: warm-up ----


def test_instances_that_warm_up_are_part_of_what_was_asked_for() -> None:
    warming = group(2, desired=4, warming=2)
    assert decide_group(warming, [high(100)]) is None
    more = decide_group(warming, [high(150)])
    assert more
    assert more.desired == 6


def test_a_group_does_not_scale_in_while_an_instance_warms_up() -> None:
    assert decide_group(group(4, desired=5, warming=1), [low(20, capacity=5)]) is None


def test_nor_while_one_is_still_to_be_launched() -> None:
    assert decide_group(group(4, desired=5), [low(20, capacity=5)]) is None


def test_a_group_scales_in_without_a_cooldown() -> None:
    decision = decide_group(group(4), [low(20)])
    assert decision
    assert decision.desired == 2
