"""The forward action: routes to target groups, by weight, and back to the one of before. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.lab.edge import http, rules, stickiness
from deploy.lab.edge.target_groups import FUNCTIONS, cluster_name
from deploy.lab.edge.wanted import Json, TargetGroup


@dataclass(frozen=True)
class Settings:
    """What an ALB does but AWS does not document, so that a drill may vary it.

    `retry_on` is Envoy's, such as "connect-failure,refused-stream"; empty is no retry.
    """

    retry_on: str = ""


@dataclass(frozen=True)
class Ways:
    """Routes that lead to target groups."""

    groups: Mapping[str, TargetGroup]
    settings: Settings
    idle_s: float

    def forward(self, action: Json) -> Json:
        """Lead to the target groups of a forward action, by weight."""
        group_s = stickiness.of_forward(action)
        weights = self._weights(action)
        if not weights:
            raise rules.UnsupportedError("forwarding with no weight above 0")
        if len(weights) == 1:
            return self._to(*weights, group_s=group_s)
        clusters = [
            {"name": cluster_name(arn), "weight": weight, **self._sticky(arn, group_s)}
            for arn, weight in weights.items()
        ]
        return self._route({"weighted_clusters": {"clusters": clusters}}, weights)

    def back(self, actions: Sequence[Json], matched: Json) -> Iterator[dict[str, Any]]:
        """Lead those who have been at one of several target groups back to it."""
        for action in actions:
            group_s = stickiness.of_forward(action)
            if group_s is not None and len(weights := self._weights(action)) > 1:
                for arn in weights:
                    there = stickiness.returning(cluster_name(arn))
                    match = {**matched, "headers": [*matched.get("headers", ()), there]}
                    yield {"match": match, **self._to(arn, group_s=group_s)}

    def _weights(self, action: Json) -> dict[str, int]:
        weights = rules.weights(action)
        for arn in weights.keys() - self.groups.keys():
            raise rules.UnsupportedError(f"forwarding to {cluster_name(arn)}")
        return {arn: weight for arn, weight in weights.items() if weight}

    def _to(self, arn: str, *, group_s: float | None) -> dict[str, Any]:
        route = self._route({"cluster": cluster_name(arn)}, [arn])
        return {**route, **self._sticky(arn, group_s)}

    def _sticky(self, arn: str, group_s: float | None) -> dict[str, Any]:
        return stickiness.per_route(self.groups[arn], cluster_name(arn), group_s=group_s)

    def _route(self, where: Json, arns: Iterable[str]) -> dict[str, Any]:
        # An ALB limits how long nothing is sent, not how long a request takes; and for a function
        # it "waits until your Lambda function responds or times out".
        for_functions = all(self.groups[arn].target_type == FUNCTIONS for arn in arns)
        idle = http.seconds(0 if for_functions else self.idle_s)
        route: dict[str, Any] = {"timeout": "0s", "idle_timeout": idle}
        if self.settings.retry_on:
            route["retry_policy"] = _retry(self.settings.retry_on)
        return {"route": {**route, **where}}


def _retry(retry_on: str) -> dict[str, Any]:
    """Try once more, on another target than the one that failed."""
    kind = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    return {
        "retry_on": retry_on,
        "num_retries": 1,
        "retry_host_predicate": [{"name": "another", "typed_config": http.typed(kind)}],
        "host_selection_retry_max_attempts": 5,
    }
