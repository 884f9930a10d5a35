"""Target groups: an Envoy cluster with health checks, and its endpoints. Pure."""

from collections.abc import Iterator
from typing import Any

from deploy.lab.alb import TARGET_GROUP_HEADER
from deploy.lab.edge import stickiness
from deploy.lab.edge.http import (
    circuit_breakers_off,
    header,
    seconds,
    socket_address,
    typed,
    upstream_http,
)
from deploy.lab.edge.wanted import HealthCheck, Json, Target, TargetGroup

# What an ALB waits for a target to accept (AWS: "Troubleshoot your ALBs", HTTP 504, 2026).
CONNECT_TIMEOUT_S = 10

POLICIES = {
    "round_robin": "round_robin.v3.RoundRobin",
    "least_outstanding_requests": "least_request.v3.LeastRequest",
}
# Functions are invoked by the emulator: it is their only endpoint, and is told which group asks.
FUNCTIONS = "lambda"
TARGET_TYPES = {"ip", "instance", FUNCTIONS}
# Attributes that the edge does not act on, with the value that needs no acting.
INERT = {
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}


def cluster_name(arn: str) -> str:
    """Name a target group where neither files nor statistics may hold a colon or a slash.

    >>> cluster_name("arn:aws:elasticloadbalancing:us-east-1:0:targetgroup/web/0123abcd")
    'web-0123abcd'
    """
    return "-".join(arn.rpartition(":")[2].split("/")[1:])


def unsupported(group: TargetGroup) -> Iterator[str]:
    """Say what this target group asks for that the lab does not do."""
    if group.target_type not in TARGET_TYPES:
        yield f"target group {group.name}: targets of type {group.target_type}"
    if group.protocol != "HTTP":
        yield f"target group {group.name}: protocol {group.protocol}"
    if (algorithm := _algorithm(group)) not in POLICIES:
        yield f"target group {group.name}: algorithm {algorithm}; it gets round_robin"
    yield from stickiness.unsupported(group)
    for key, harmless in INERT.items():
        if (value := group.attributes.get(key, harmless)) != harmless:
            yield f"target group {group.name}: {key} = {value}"


def cluster(group: TargetGroup, *, endpoints_file: str, idle_timeout_s: float) -> dict[str, Any]:
    """Translate a target group; its targets come from their own file, so that they can change."""
    name = cluster_name(group.arn)
    told = {TARGET_GROUP_HEADER: group.arn} if group.target_type == FUNCTIONS else {}
    return typed(
        "envoy.config.cluster.v3.Cluster",
        name=name,
        type="EDS",
        eds_cluster_config={
            "service_name": name,
            "eds_config": {
                "path_config_source": {"path": endpoints_file},
                "resource_api_version": "V3",
            },
        },
        connect_timeout=seconds(CONNECT_TIMEOUT_S),
        load_balancing_policy=_policy(group),
        common_lb_config={
            # Fail open only when not one target is healthy, as an ALB does by default.
            "healthy_panic_threshold": {"value": 1.0},
            # Envoy would gather changes of health for a second before it acts on them.
            "update_merge_window": "0s",
        },
        # A deregistered target goes at once, healthy or not.
        ignore_health_on_host_removal=True,
        circuit_breakers=circuit_breakers_off(),
        typed_extension_protocol_options=upstream_http(idle_timeout_s=idle_timeout_s, add=told),
        health_checks=(
            [_health_check(group.health_check, told)] if group.health_check.enabled else []
        ),
    )


def _algorithm(group: TargetGroup) -> str:
    return group.attributes.get("load_balancing.algorithm.type", "round_robin")


def _policy(group: TargetGroup) -> dict[str, Any]:
    algorithm = _algorithm(group) if _algorithm(group) in POLICIES else "round_robin"
    config = typed(f"envoy.extensions.load_balancing_policies.{POLICIES[algorithm]}")
    if algorithm == "least_outstanding_requests":
        # The least of all targets, not the lesser of two picked by chance.
        config["selection_method"] = "FULL_SCAN"
    if slow_start_s := float(group.attributes.get("slow_start.duration_seconds", "0")):
        config["slow_start_config"] = {"slow_start_window": seconds(slow_start_s)}
    return {"policies": [{"typed_extension_config": {"name": algorithm, "typed_config": config}}]}


def _health_check(check: HealthCheck, told: Json) -> dict[str, Any]:
    interval = seconds(check.interval_s)
    return {
        "interval": interval,
        # Without these a target that gets no requests is asked once a minute only.
        "no_traffic_interval": interval,
        "no_traffic_healthy_interval": interval,
        "timeout": seconds(check.timeout_s),
        # A new target needs one passed check whatever this says: Envoy and ALB agree.
        "healthy_threshold": check.healthy_threshold,
        "unhealthy_threshold": check.unhealthy_threshold,
        # A check must notice a closed listener, so none rides on an old connection.
        "reuse_connection": False,
        "http_health_check": {
            "path": check.path,
            "expected_statuses": [_range(part) for part in check.matcher.split(",")],
            # Without this one wrong status evicts at once; with it, it counts to the threshold.
            "retriable_statuses": [{"start": 100, "end": 600}],
            "request_headers_to_add": [
                header("user-agent", "ELB-HealthChecker/2.0"),
                *(header(name, value) for name, value in told.items()),
            ],
        },
    }


def _range(part: str) -> dict[str, int]:
    first, _, last = part.strip().partition("-")
    return {"start": int(first), "end": int(last or first) + 1}


def endpoints(group: TargetGroup) -> dict[str, Any]:
    """List the targets that may get new requests.

    A draining target is left out: Envoy finishes what it has in flight there. Marked as
    DRAINING instead, it would get requests again when all others fail.
    """
    serving = [_endpoint(t, group.health_check) for t in group.targets if not t.draining]
    return typed(
        "envoy.config.endpoint.v3.ClusterLoadAssignment",
        cluster_name=cluster_name(group.arn),
        endpoints=[{"lb_endpoints": serving}],
    )


def _endpoint(target: Target, check: HealthCheck) -> dict[str, Any]:
    port = check.port or target.port
    health: dict[str, Any] = {"hostname": f"{target.address}:{port}"}
    if port != target.port:
        health["port_value"] = port
    address = socket_address(target.address, target.port)
    return {"endpoint": {"address": address, "health_check_config": health}}
