from typing import Any

import pytest

from deploy.lab.fleet.wanted import Instance, Task
from deploy.lab.scaling.balancers import name_of, traffic
from deploy.lab.scaling.sight import Sight, of_tasks
from deploy.lab.scaling.target_tracking import Limits
from deploy.lab.scaling.wanted import Group, vcpus, wanted

ARN = "arn:aws:elasticloadbalancing:us-east-1:0:targetgroup/web/0123abcd"
EMPTY: dict[str, Any] = {"version": 3, "instances": [], "tasks": [], "target_groups": []}
GROUP: dict[str, Any] = {
    "name": "web",
    "min": 1,
    "max": 4,
    "desired": 2,
    "cooldown_s": 120,
    "instances": [{"id": "i-1", "lifecycle_state": "InService", "health": "Healthy"}],
    "target_group_arns": [ARN],
    "policies": [],
}


def target(address: str, *, draining: bool = False) -> dict[str, Any]:
    return {"id": address, "address": address, "port": 8000, "draining": draining}


def group_of(**rest: object) -> Group:
    return wanted({**EMPTY, "auto_scaling_groups": [{**GROUP, **rest}]}).groups[0]


def test_a_state_that_knows_nothing_of_scaling_has_nothing_to_scale() -> None:
    latest = wanted(EMPTY)
    assert (latest.groups, latest.services, latest.providers) == ((), (), ())


def test_a_group_is_read() -> None:
    group = group_of()
    assert group.key == "group/web"
    assert group.limits == Limits(1, 4, 2)
    assert group.instances == {"i-1": "InService"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"warmup_s": 60}, 60), ({"warmup_s": 0}, 0), ({}, 120), ({"cooldown_s": None}, 300)],
)
def test_a_group_without_a_warm_up_takes_its_cooldown(
    settings: dict[str, Any], expected: float
) -> None:
    assert group_of(**settings).warmup_s == expected


def test_a_group_with_suspended_alarms_is_known() -> None:
    assert group_of(suspended=["AlarmNotification"]).is_suspended
    assert not group_of(suspended=["Launch"]).is_suspended


def test_a_service_is_read_from_its_resource_id() -> None:
    entry = {"resource_id": "service/c/web", "min": 1, "max": 4, "desired": 2, "policies": []}
    (service,) = wanted({**EMPTY, "scalable_targets": [entry]}).services
    assert (service.cluster, service.name, service.key) == ("c", "web", "service/c/web")


def test_cooldowns_that_are_not_set_are_those_of_aws_and_zero_is_set() -> None:
    policy = {"name": "cpu", "metric": "ASGAverageCPUUtilization", "target_value": 50}
    (by_default,) = group_of(policies=[policy]).policies
    (none,) = group_of(policies=[{**policy, "scale_in_cooldown_s": 0}]).policies
    assert by_default.scale_in_cooldown_s == 300
    assert none.scale_in_cooldown_s == 0


def test_a_metric_that_is_not_known_is_left_out_and_told() -> None:
    policy = {"name": "net", "metric": "ASGAverageNetworkIn", "target_value": 50}
    latest = wanted({**EMPTY, "auto_scaling_groups": [{**GROUP, "policies": [policy]}]})
    assert latest.groups[0].policies == ()
    assert "ASGAverageNetworkIn" in latest.unsupported[0]


def test_a_provider_without_managed_scaling_scales_nothing() -> None:
    entry = {"name": "p", "asg_name": "web", "target_capacity": 100, "managed_scaling": False}
    assert wanted({**EMPTY, "capacity_providers": [entry]}).providers == ()
    (on,) = wanted({**EMPTY, "capacity_providers": [{**entry, "managed_scaling": True}]}).providers
    assert (on.minimum_step, on.maximum_step, on.warmup_s) == (1, 10_000, 300)


def test_a_resource_label_names_its_target_group() -> None:
    group = {"arn": ARN, "targets": [target("127.9.30.1"), target("127.9.30.2", draining=True)]}
    latest = wanted({**EMPTY, "target_groups": [group]})

    found = latest.target_group("app/lb/1/targetgroup/web/0123abcd")

    assert found
    assert found.targets == {"127.9.30.1:8000"}
    assert latest.target_group("") is None
    assert latest.target_group("app/lb/1/targetgroup/other/99") is None


def test_a_machine_that_nobody_holds_back_has_this_computers_processors() -> None:
    burstable = Instance("i-1", "127.9.20.1", b"", "t3.micro", {})
    small = Task("t", "127.9.30.1", "image", None, {}, 256, 512, 30)
    assert vcpus(burstable) >= 1
    assert vcpus(small) == 0.25


def test_the_containers_of_a_task_are_its_machines() -> None:
    machines = ["aaaa", "aaaa-sidecar", "bbbb"]
    assert of_tasks({"aaaa"}, machines) == {"aaaa", "aaaa-sidecar"}
    assert of_tasks(set(), machines) == frozenset()


def envoy_says(address: str, requests: int, **health: bool) -> dict[str, Any]:
    return {
        "address": {"socket_address": {"address": address, "port_value": 8000}},
        "stats": [{"name": "rq_total", "value": str(requests)}, {"name": "cx_total"}],
        "health_status": {"eds_health_status": "HEALTHY", **health},
    }


def test_requests_count_for_the_healthy_targets_and_for_all_when_none_is() -> None:
    group = wanted(
        {**EMPTY, "target_groups": [{"arn": ARN, "targets": [target("a"), target("b")]}]}
    ).target_group("targetgroup/web/0123abcd")
    hosts = [envoy_says("a", 7), envoy_says("b", 0, pending_active_hc=True)]
    one = traffic({"cluster_statuses": [{"name": "web-0123abcd", "host_statuses": hosts}]})
    grown = {name_of(ARN, "a:8000"): 7.0}
    assert group

    share = Sight(2, {}, requests=grown, traffic=one).requests_of(group)
    assert share
    assert (share.amount, share.of, share.machines) == (7, 2, 1)

    hosts = [envoy_says(address, 0, failed_active_health_check=True) for address in "ab"]
    none = traffic({"cluster_statuses": [{"name": "web-0123abcd", "host_statuses": hosts}]})
    share = Sight(2, {}, requests=grown, traffic=none).requests_of(group)
    assert share
    assert share.machines == 2


def test_nobody_counts_while_envoy_is_away() -> None:
    group = wanted({**EMPTY, "target_groups": [{"arn": ARN, "targets": []}]}).target_group(
        "targetgroup/web/0123abcd"
    )
    assert Sight(2, {}, requests=None).requests_of(group) is None
