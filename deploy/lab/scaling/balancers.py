"""How many requests targets got, and how they are: Envoy's own counters and the edge's report."""

import json
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy.lab.edge.target_groups import cluster_name

_TIMEOUT_S = 2


class Balancers:
    """The load balancers of one lab."""

    def __init__(self, admin: tuple[str, int], state: Path) -> None:
        self._url = "http://{}:{}/clusters?format=json".format(*admin)
        self._report = state / "edge.json"

    def requests(self) -> dict[str, float] | None:
        """Requests since Envoy started, by "<cluster> <target>"; None when Envoy is away."""
        try:
            with urllib.request.urlopen(self._url, timeout=_TIMEOUT_S) as answer:  # noqa: S310  our own Envoy
                return requests(json.load(answer))
        except (OSError, ValueError):
            return None

    def states(self) -> Mapping[str, Mapping[str, str]]:
        """Each target's state by target group and target, as the edge reported them."""
        # The edge has not written it yet, or is away.
        with suppress(OSError, ValueError):
            report = json.loads(self._report.read_text(encoding="utf-8"))
            return {
                arn: {key: one["state"] for key, one in targets.items()}
                for arn, targets in report.get("targets", {}).items()
            }
        return {}


def counter(target_group_arn: str, target: str) -> str:
    """What the counter of a target is called."""
    return f"{cluster_name(target_group_arn)} {target}"


def requests(clusters: Mapping[str, Any]) -> dict[str, float]:
    """Read Envoy's /clusters. Health checks are no requests to it."""
    found = {}
    for status in clusters.get("cluster_statuses", []):
        for host in status.get("host_statuses", []):
            socket = host["address"]["socket_address"]
            target = f"{socket['address']}:{socket['port_value']}"
            stats = {stat["name"]: float(stat.get("value", 0)) for stat in host.get("stats", [])}
            found[f"{status['name']} {target}"] = stats.get("rq_total", 0.0)
    return found
