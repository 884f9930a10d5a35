"""How many requests targets got, and which are healthy: what Envoy itself says.

Both come from one look at Envoy, so that a target is never sent a request before it is healthy.
"""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.lab.edge.target_groups import cluster_name

_TIMEOUT_S = 2


@dataclass(frozen=True)
class Traffic:
    """Of every target of every target group, by `name_of`."""

    # Since Envoy started. Health checks are no requests to it.
    requests: Mapping[str, float]
    healthy: frozenset[str]


class Balancers:
    """The load balancers of one lab."""

    def __init__(self, admin: tuple[str, int]) -> None:
        self._url = "http://{}:{}/clusters?format=json".format(*admin)

    def traffic(self) -> Traffic | None:
        """What goes on now; None when Envoy is away."""
        try:
            with urllib.request.urlopen(self._url, timeout=_TIMEOUT_S) as answer:  # noqa: S310  our own Envoy
                return traffic(json.load(answer))
        except (OSError, ValueError):
            return None


def name_of(target_group_arn: str, target: str) -> str:
    """What a target of a target group is called here."""
    return f"{cluster_name(target_group_arn)} {target}"


def traffic(clusters: Mapping[str, Any]) -> Traffic:
    """Read Envoy's /clusters."""
    requests, healthy = {}, set()
    for status in clusters.get("cluster_statuses", []):
        for host in status.get("host_statuses", []):
            socket = host["address"]["socket_address"]
            name = f"{status['name']} {socket['address']}:{socket['port_value']}"
            stats = {stat["name"]: float(stat.get("value", 0)) for stat in host.get("stats", [])}
            requests[name] = stats.get("rq_total", 0.0)
            health = host.get("health_status", {})
            # Only what is wrong is listed, and that the first check is still to come.
            if not (health.get("failed_active_health_check") or health.get("pending_active_hc")):
                healthy.add(name)
    return Traffic(requests, frozenset(healthy))
