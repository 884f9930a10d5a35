import pytest

from deploy.lab.scaling.alarms import AlarmState
from deploy.lab.scaling.managed_scaling import (
    Cluster,
    Provider,
    Size,
    alarms,
    decide,
    instances_needed,
    policy,
    reservation,
)
from deploy.lab.scaling.target_tracking import Group, Limits, Reading

PROVIDER = Provider("provider", "group")
INSTANCE = Size(cpu_units=2048, memory_mib=1900)
SMALL, LARGE = Size(512, 400), Size(1024, 1500)


def after(
    cluster: Cluster, *, desired: int, provider: Provider = PROVIDER, warming: int = 0
) -> int | None:
    """The desired capacity once the alarms have seen this cluster for long enough."""
    value = reservation(cluster)
    high, low = (alarm.evaluate([value] * 15) for alarm in alarms(provider))
    reading = Reading(policy(provider), high, low, value, 0, cluster.running)
    group = Group(Limits(0, 20, desired), warm=desired - warming, warming=warming)
    decision = decide(provider, group, reading, cluster)
    return decision.desired if decision else None


def test_the_reservation_is_what_is_needed_of_what_is_there() -> None:
    assert reservation(Cluster(running=4, idle=1)) == 75
    assert reservation(Cluster(running=2, idle=0)) == 100
    assert reservation(Cluster(2, 0, INSTANCE, [SMALL])) == 150


def test_tasks_that_wait_need_as_many_instances_as_the_largest_kind_of_them() -> None:
    # Four small ones fit on an instance, one large one does.
    assert instances_needed(Cluster(1, 0, INSTANCE, [SMALL] * 5)) == 3
    assert instances_needed(Cluster(1, 0, INSTANCE, [SMALL] * 5 + [LARGE] * 3)) == 4


def test_a_task_that_is_larger_than_an_instance_asks_for_one_each() -> None:
    assert instances_needed(Cluster(1, 0, INSTANCE, [Size(9999, 9999)] * 2)) == 3


def test_one_data_point_is_enough_to_scale_out_and_fifteen_to_scale_in() -> None:
    high, low = alarms(PROVIDER)
    assert (high.periods, low.periods) == (1, 15)
    assert high.evaluate([100, 100, 150]) is AlarmState.ALARM


def test_it_launches_what_the_waiting_tasks_need() -> None:
    assert after(Cluster(2, 0, INSTANCE, [SMALL] * 9), desired=2) == 5


def test_instances_on_their_way_are_not_asked_for_again() -> None:
    assert after(Cluster(2, 0, INSTANCE, [SMALL] * 9), desired=5, warming=3) is None


def test_from_nothing_it_launches_two() -> None:
    assert after(Cluster(0, 0, None, [SMALL]), desired=0) == 2


def test_an_empty_cluster_is_as_it_should_be() -> None:
    assert after(Cluster(0, 0), desired=0) is None


def test_a_lower_target_capacity_keeps_spare_instances() -> None:
    spare = Provider("provider", "group", target_capacity=50)
    assert after(Cluster(2, 0), desired=2, provider=spare) == 4


@pytest.mark.parametrize(("minimum", "maximum", "expected"), [(1, 10_000, 5), (4, 9, 6), (1, 2, 4)])
def test_the_step_sizes_bound_a_scale_out(minimum: int, maximum: int, expected: int) -> None:
    stepping = Provider("provider", "group", minimum_step=minimum, maximum_step=maximum)
    assert after(Cluster(2, 0, INSTANCE, [SMALL] * 9), desired=2, provider=stepping) == expected


def test_idle_instances_go_half_of_the_group_at_most() -> None:
    assert after(Cluster(running=8, idle=7), desired=8) == 4
    assert after(Cluster(running=8, idle=2), desired=8) == 6


def test_the_last_idle_instance_goes_too() -> None:
    assert after(Cluster(running=1, idle=1), desired=1) == 0


def test_nothing_goes_while_an_instance_warms_up() -> None:
    assert after(Cluster(running=4, idle=2), desired=4, warming=1) is None


def test_no_data_does_nothing() -> None:
    group = Group(Limits(0, 20, 4), warm=4)
    assert decide(PROVIDER, group, Reading(policy(PROVIDER)), Cluster(4, 3)) is None
