"""Health of targets: what Envoy sees, in the words of DescribeTargetHealth. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from deploy.lab.edge.target_groups import cluster_name
from deploy.lab.edge.wanted import HealthCheck, Json, Target, TargetGroup

State: TypeAlias = Literal["initial", "healthy", "unhealthy", "draining", "unused", "unavailable"]


@dataclass(frozen=True)
class Health:
    """State and reason code of one target, and since when its first checks fail."""

    state: State
    reason: str = ""
    failing_since_s: float | None = None


Report: TypeAlias = dict[str, dict[str, Health]]

REGISTERING = Health("initial", "Elb.RegistrationInProgress")
CHECKING = Health("initial", "Elb.InitialHealthChecking")
DRAINING = Health("draining", "Target.DeregistrationInProgress")
UNUSED = Health("unused", "Target.NotInUse")
UNCHECKED = Health("unavailable", "Target.HealthCheckDisabled")


def hosts(clusters: Json) -> dict[str, dict[str, Json]]:
    """Read Envoy's /clusters: what it says of each host (address:port) of each cluster."""
    return {
        status["name"]: {
            _key(host["address"]["socket_address"]): host.get("health_status", {})
            for host in status.get("host_statuses", [])
        }
        for status in clusters.get("cluster_statuses", [])
    }


def _key(socket: Json) -> str:
    return f"{socket['address']}:{socket['port_value']}"


def report(
    groups: tuple[TargetGroup, ...],
    seen: Mapping[str, Mapping[str, Json]],
    before: Report,
    *,
    now_s: float,
) -> Report:
    """Say how every registered target is, by target group and target."""
    return {
        group.arn: {
            target.key: _health(
                target,
                group.health_check,
                seen.get(cluster_name(group.arn)),
                before.get(group.arn, {}).get(target.key),
                now_s=now_s,
            )
            for target in group.targets
        }
        for group in groups
    }


def _health(
    target: Target,
    check: HealthCheck,
    cluster: Mapping[str, Json] | None,
    before: Health | None,
    *,
    now_s: float,
) -> Health:
    if target.draining:
        return DRAINING
    if cluster is None or not check.enabled:
        return UNUSED if cluster is None else UNCHECKED
    known = before if before and before.state in {"initial", "healthy", "unhealthy"} else None
    if target.key not in cluster:
        return known or REGISTERING
    flags = cluster[target.key]
    if flags.get("pending_active_hc"):
        # Also after Envoy was started anew: what was known then still counts.
        return known or CHECKING
    if not flags.get("failed_active_health_check"):
        return Health("healthy")
    return _failing(check, flags, known or CHECKING, now_s=now_s)


def _failing(check: HealthCheck, flags: Json, known: Health, *, now_s: float) -> Health:
    """An ALB calls a new target unhealthy after the threshold; Envoy, after the first check."""
    if known.state == "initial":
        since_s = now_s if known.failing_since_s is None else known.failing_since_s
        if now_s - since_s < (check.unhealthy_threshold - 1) * check.interval_s:
            return Health("initial", CHECKING.reason, since_s)
    timed_out = flags.get("active_hc_timeout")
    return Health("unhealthy", "Target.Timeout" if timed_out else "Target.FailedHealthChecks")


def document(report: Report) -> dict[str, Any]:
    """Write a report the way the emulator takes it."""
    return {
        "targets": {
            arn: {key: {"state": h.state, "reason": h.reason} for key, h in targets.items()}
            for arn, targets in report.items()
        }
    }


def rejections(stats: Json) -> dict[str, int]:
    """Read Envoy's /stats: how often it refused what it was given, for each kind of file."""
    return {
        stat["name"].removesuffix(".update_rejected"): int(stat["value"])
        for stat in stats.get("stats", [])
        if stat.get("name", "").endswith(".update_rejected") and stat["value"]
    }
