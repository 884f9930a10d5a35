"""API keys and usage plans: whose request it is, and what it may still ask.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.lab.cloud.border import Internals, Json, scoped_records
from deploy.lab.cloud.gateway.exchange import GatewayError
from deploy.lab.cloud.gateway.throttling import Buckets, Quotas, Target, plan_limits

RECORDS = Internals("services.apigateway_v1", "_api_keys", "_usage_plan_keys", "_usage_plans")


@dataclass(frozen=True)
class Use:
    """A key that is good for a stage, with the plan that makes it so."""

    key: Json
    plan: Json


def use_of(value: str | None, api_id: str, stage_name: str) -> Use:
    """The plan under which a key's value may call this stage.

    Raises:
        GatewayError: 403, when there is no such key, it is off, or in no plan of the stage.
    """
    for key in _keys():
        if value and key.get("value") == value and key.get("enabled"):
            for plan in _plans(str(key["id"])):
                stages = plan.get("apiStages") or []
                if any((s.get("apiId"), s.get("stage")) == (api_id, stage_name) for s in stages):
                    return Use(key, plan)
    raise GatewayError("INVALID_API_KEY", "Forbidden")


def spend(use: Use, target: Target, buckets: Buckets, quotas: Quotas) -> None:
    """Count one request of the key.

    Raises:
        GatewayError: 429, when the plan's rate or its quota is exceeded.
    """
    key_id = str(use.key["id"])
    if not buckets.take(plan_limits(use.plan, key_id, target)):
        raise GatewayError("THROTTLED", "Too Many Requests")
    if not quotas.take((use.plan["id"], key_id), use.plan.get("quota") or {}):
        raise GatewayError("QUOTA_EXCEEDED", "Limit Exceeded")


def _keys() -> Iterator[Json]:
    for _, _, _, record in scoped_records(RECORDS.api_keys):
        yield record


def _plans(key_id: str) -> Iterator[Json]:
    members = {plan: keys for _, _, plan, keys in scoped_records(RECORDS.usage_plan_keys)}
    for _, _, plan_id, plan in scoped_records(RECORDS.usage_plans):
        if key_id in members.get(plan_id, {}):
            yield plan
