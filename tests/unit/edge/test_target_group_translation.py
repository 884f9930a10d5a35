from typing import Any

import pytest

from deploy.lab.edge.target_groups import cluster, cluster_name, endpoints, unsupported
from deploy.lab.edge.wanted import TargetGroup, wanted


def group(state: dict[str, Any], **changes: object) -> TargetGroup:
    state["target_groups"][0] |= changes
    return wanted(state).target_groups[0]


def translated(state: dict[str, Any], **changes: object) -> dict[str, Any]:
    return cluster(group(state, **changes), endpoints_file="e.json", idle_timeout_s=60)


def test_the_health_check_is_the_target_groups_own(
    state: dict[str, Any], target_group: dict[str, Any]
) -> None:
    check = target_group["health_check"] | {"matcher": "200-299,418"}

    [made] = translated(state, health_check=check)["health_checks"]

    assert made["http_health_check"]["path"] == "/readyz"
    assert (made["interval"], made["timeout"]) == ("5s", "2s")
    assert made["no_traffic_interval"] == made["no_traffic_healthy_interval"] == "5s"
    assert (made["healthy_threshold"], made["unhealthy_threshold"]) == (2, 3)
    assert made["http_health_check"]["expected_statuses"] == [
        {"start": 200, "end": 300},
        {"start": 418, "end": 419},
    ]


def test_a_wrong_status_counts_to_the_threshold_like_no_answer(state: dict[str, Any]) -> None:
    [check] = translated(state)["health_checks"]

    assert check["http_health_check"]["retriable_statuses"] == [{"start": 100, "end": 600}]


def test_settings_without_which_envoy_is_no_alb(state: dict[str, Any]) -> None:
    made = translated(state)

    assert made["common_lb_config"]["update_merge_window"] == "0s"
    assert made["common_lb_config"]["healthy_panic_threshold"]["value"] == 1
    assert made["ignore_health_on_host_removal"] is True
    assert made["circuit_breakers"]["thresholds"][0]["max_requests"] > 100_000


def test_draining_targets_get_nothing_new(state: dict[str, Any]) -> None:
    made = endpoints(group(state))["endpoints"][0]["lb_endpoints"]

    assert [host["endpoint"]["address"]["socket_address"] for host in made] == [
        {"address": "127.9.30.1", "port_value": 8000}
    ]


def test_a_fixed_health_port_is_asked_instead_of_the_traffic_port(
    state: dict[str, Any], target_group: dict[str, Any]
) -> None:
    made = endpoints(group(state, health_check=target_group["health_check"] | {"port": "9000"}))

    [host] = made["endpoints"][0]["lb_endpoints"]
    assert host["endpoint"]["health_check_config"] == {
        "hostname": "127.9.30.1:9000",
        "port_value": 9000,
    }


@pytest.mark.parametrize(
    ("algorithm", "policy"),
    [
        ("round_robin", "RoundRobin"),
        ("least_outstanding_requests", "LeastRequest"),
        ("weighted_random", "RoundRobin"),
    ],
)
def test_the_algorithm_picks_the_policy(state: dict[str, Any], algorithm: str, policy: str) -> None:
    made = translated(state, attributes={"load_balancing.algorithm.type": algorithm})

    [chosen] = made["load_balancing_policy"]["policies"]
    assert chosen["typed_extension_config"]["typed_config"]["@type"].endswith(policy)


def test_names_fit_files_and_statistics(state: dict[str, Any]) -> None:
    assert cluster_name(group(state).arn) == "web-0123abcd"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"target_type": "alb"}, "alb"),
        ({"protocol": "HTTPS"}, "HTTPS"),
        (
            {"attributes": {"stickiness.enabled": "true", "stickiness.type": "source_ip"}},
            "source_ip",
        ),
        ({"attributes": {"load_balancing.algorithm.type": "weighted_random"}}, "weighted_random"),
    ],
)
def test_what_is_not_done_is_said(
    state: dict[str, Any], changes: dict[str, Any], word: str
) -> None:
    [what] = unsupported(group(state, **changes))

    assert word in what


def test_defaults_are_nothing_to_speak_of(state: dict[str, Any]) -> None:
    defaults = {
        "stickiness.enabled": "false",
        "deregistration_delay.timeout_seconds": "30",
        "load_balancing.algorithm.type": "round_robin",
    }

    assert list(unsupported(group(state, attributes=defaults))) == []
