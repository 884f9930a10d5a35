"""Application Auto Scaling, which MiniStack lacks: scalable targets and policies of ECS services.

It remembers and describes them; the lab's scaling controller reads them in the state document and
acts on them.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from deploy.lab.cloud.border import (
    RESPONSES,
    Internals,
    Json,
    RefusedError,
    Response,
    records,
)

APP = Internals("app", "SERVICE_HANDLERS")
ROUTER = Internals("core.router", "SERVICE_PATTERNS")
ECS = Internals("services.ecs", "_services", "_update_service")

SERVICE = "application-autoscaling"
CONTENT_TYPE = "application/x-amz-json-1.1"
DIMENSION = "ecs:service:DesiredCount"
# What a target and its policies are known by: account, region, resource.
Key: TypeAlias = tuple[str, str, str]
# ScaleOutCooldown and ScaleInCooldown of an ECS service (TargetTrackingScalingPolicyConfiguration,
# API reference, 2026-11).
DEFAULT_COOLDOWN_S = 300


def install(autoscaling: "ApplicationAutoScaling") -> None:
    """Add the service."""
    ROUTER.SERVICE_PATTERNS[SERVICE] = {"target_prefixes": ["AnyScaleFrontendService"]}
    APP.SERVICE_HANDLERS[SERVICE] = autoscaling.handle


class ApplicationAutoScaling:
    """Targets, their policies and their activities."""

    def __init__(self) -> None:
        self._targets: dict[Key, Json] = {}
        self._policies: dict[Key, dict[str, Json]] = {}
        self._activities: list[tuple[Key, Json]] = []
        self._actions: Mapping[str, Callable[[Json], Json]] = {
            "DeleteScalingPolicy": self.delete_scaling_policy,
            "DeregisterScalableTarget": self.deregister,
            "DescribeScalableTargets": self.describe_targets,
            "DescribeScalingActivities": self.describe_activities,
            "DescribeScalingPolicies": self.describe_policies,
            "PutScalingPolicy": self.put_policy,
            "RegisterScalableTarget": self.register,
        }

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: object
    ) -> Response:
        """Answer one request of the service."""
        del method, path, query
        name = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        try:
            status, answer = 200, self._actions.get(name, _refuse)(json.loads(body or b"{}"))
        except _NotFoundError as error:
            status, answer = 400, {"__type": "ObjectNotFoundException", "message": str(error)}
        except (RefusedError, KeyError) as error:
            status, answer = 400, {"__type": "ValidationException", "message": str(error)}
        return status, {"Content-Type": CONTENT_TYPE}, json.dumps(answer).encode()

    def wanted(self) -> list[Json]:
        """The scalable targets for the state document."""
        services = records(ECS.services)
        return [
            {
                "resource_id": resource_id,
                "min": target["MinCapacity"],
                "max": target["MaxCapacity"],
                "desired": services[resource_id.removeprefix("service/")]["desiredCount"],
                "policies": [_wanted(p) for p in self._policies.get(key, {}).values()],
            }
            for key, target in self._targets.items()
            if (resource_id := key[2]).removeprefix("service/") in services
        ]

    # ---- the actions ----

    def register(self, request: Json) -> Json:
        """RegisterScalableTarget; a capacity outside of the new bounds is changed at once."""
        key = _key(request)
        if request["ScalableDimension"] != DIMENSION:
            raise RefusedError(f"the lab scales {DIMENSION}, not {request['ScalableDimension']}")
        service = _service(key[2])
        before = self._targets.get(key) or {}
        target = {**before, **{k: v for k, v in request.items() if k != "RoleARN"}}
        if "MinCapacity" not in target or "MaxCapacity" not in target:
            raise RefusedError("MinCapacity and MaxCapacity are required for a new scalable target")
        target |= {k: int(target[k]) for k in ("MinCapacity", "MaxCapacity")}
        if target["MinCapacity"] > target["MaxCapacity"]:
            raise RefusedError("Maximum capacity cannot be less than minimum capacity")
        account, region, _ = key
        target.setdefault("CreationTime", time.time())
        target.setdefault(
            "ScalableTargetARN",
            f"arn:aws:application-autoscaling:{region}:{account}:scalable-target/"
            f"{RESPONSES.new_uuid().replace('-', '')[:26]}",
        )
        self._targets[key] = target
        self._fit(key, target, service["desiredCount"])
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def deregister(self, request: Json) -> Json:
        """DeregisterScalableTarget; its policies go with it."""
        key = _key(request)
        if self._targets.pop(key, None) is None:
            raise _NotFoundError(f"No scalable target found for {request}")
        self._policies.pop(key, None)
        return {}

    def describe_targets(self, request: Json) -> Json:
        """DescribeScalableTargets."""
        ids = request.get("ResourceIds") or []
        found = [t for key, t in self._here(self._targets.items()) if not ids or key[2] in ids]
        return {"ScalableTargets": found}

    def put_policy(self, request: Json) -> Json:
        """PutScalingPolicy: target tracking, with which ECS services are scaled."""
        key, name = _key(request), request["PolicyName"]
        if key not in self._targets:
            raise _NotFoundError(f"No scalable target registered for {key[2]}")
        if request.get("PolicyType") != "TargetTrackingScaling":
            raise RefusedError("the lab knows scaling policies of type TargetTrackingScaling only")
        configuration = request["TargetTrackingScalingPolicyConfiguration"]
        if "PredefinedMetricSpecification" not in configuration:
            raise RefusedError("the lab tracks predefined metrics only")
        account, region, resource = key
        made = {
            "CreationTime": time.time(),
            "PolicyARN": (
                f"arn:aws:autoscaling:{region}:{account}:scalingPolicy:{RESPONSES.new_uuid()}:"
                f"resource/ecs/{resource}:policyName/{name}"
            ),
            "Alarms": [],
        }
        policies = self._policies.setdefault(key, {})
        policies[name] = {**made, **(policies.get(name) or {}), **request}
        return {"PolicyARN": policies[name]["PolicyARN"], "Alarms": []}

    def delete_scaling_policy(self, request: Json) -> Json:
        """DeleteScalingPolicy."""
        if self._policies.get(_key(request), {}).pop(request["PolicyName"], None) is None:
            raise _NotFoundError(f"No scaling policy found with name {request['PolicyName']}")
        return {}

    def describe_policies(self, request: Json) -> Json:
        """DescribeScalingPolicies."""
        names, resource = request.get("PolicyNames") or [], request.get("ResourceId")
        return {
            "ScalingPolicies": [
                policy
                for key, policies in self._here(self._policies.items())
                for name, policy in policies.items()
                if (not names or name in names) and resource in {None, key[2]}
            ]
        }

    def describe_activities(self, request: Json) -> Json:
        """DescribeScalingActivities: those of this service itself, which are changed bounds."""
        resource = request.get("ResourceId")
        here = self._here(self._activities)
        return {"ScalingActivities": [a for key, a in here if resource in {None, key[2]}]}

    def forget_policy(self, arn: str) -> None:
        """Delete a policy, unless it went with its target."""
        for policies in self._policies.values():
            for name, policy in list(policies.items()):
                if policy["PolicyARN"] == arn:
                    del policies[name]

    # ---- inside ----

    def _fit(self, key: Key, target: Json, desired: int) -> None:
        """Change the service's capacity when it is outside of the bounds."""
        fitted = min(max(desired, target["MinCapacity"]), target["MaxCapacity"])
        if fitted == desired:
            return
        bound = "minimum" if fitted > desired else "maximum"
        _, cluster, service = key[2].split("/")
        ECS.update_service({"cluster": cluster, "service": service, "desiredCount": fitted})
        moment = datetime.now(UTC).timestamp()
        activity = {
            "ActivityId": RESPONSES.new_uuid(),
            "ServiceNamespace": "ecs",
            "ResourceId": key[2],
            "ScalableDimension": DIMENSION,
            "Description": f"Setting desired count to {fitted}.",
            "Cause": f"{bound} capacity was set to {fitted}",
            "StartTime": moment,
            "EndTime": moment,
            "StatusCode": "Successful",
            "StatusMessage": f"Successfully set desired count to {fitted}.",
        }
        self._activities.insert(0, (key, activity))

    def _here(self, items: Iterable[tuple[Key, Json]]) -> list[tuple[Key, Json]]:
        place = (RESPONSES.get_account_id(), RESPONSES.get_region())
        return [(key, item) for key, item in items if key[:2] == place]


def _refuse(request: Json) -> Json:
    raise RefusedError(f"the lab's Application Auto Scaling has no such action; given {request}")


class _NotFoundError(RefusedError):
    """The target or policy is not there."""


def _key(request: Json) -> Key:
    if request["ServiceNamespace"] != "ecs":
        raise RefusedError(f"the lab scales ECS services, not {request['ServiceNamespace']}")
    return RESPONSES.get_account_id(), RESPONSES.get_region(), request["ResourceId"]


def _service(resource_id: str) -> Json:
    service: Json | None = ECS.services.get(resource_id.removeprefix("service/"))
    if service is None or service["status"] != "ACTIVE":
        raise RefusedError(f"ECS service doesn't exist: {resource_id}")
    return service


def _wanted(policy: Json) -> Json:
    configuration = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = configuration["PredefinedMetricSpecification"]
    return {
        "name": policy["PolicyName"],
        "type": policy["PolicyType"],
        "target_value": float(configuration["TargetValue"]),
        "metric": metric["PredefinedMetricType"],
        "resource_label": metric.get("ResourceLabel"),
        "scale_out_cooldown_s": int(configuration.get("ScaleOutCooldown", DEFAULT_COOLDOWN_S)),
        "scale_in_cooldown_s": int(configuration.get("ScaleInCooldown", DEFAULT_COOLDOWN_S)),
        "disable_scale_in": str(configuration.get("DisableScaleIn", False)).lower() == "true",
    }
