"""Application Auto Scaling in stacks: scalable targets and scaling policies."""

import contextlib

from deploy.lab.cloud.application_autoscaling import ApplicationAutoScaling
from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    RefusedError,
    ResourceType,
    add_resource_type,
    refuse_unknown,
)

CFN = Internals("services.cloudformation.provisioners", "_REPLACING_PROPERTIES", "_physical_name")

TARGET_PROPERTIES = frozenset(
    {"MaxCapacity", "MinCapacity", "ResourceId", "RoleARN", "ScalableDimension", "ServiceNamespace"}
)
POLICY_PROPERTIES = frozenset(
    {
        "PolicyName",
        "PolicyType",
        "ResourceId",
        "ScalableDimension",
        "ScalingTargetId",
        "ServiceNamespace",
        "TargetTrackingScalingPolicyConfiguration",
    }
)


def install(scaling: ApplicationAutoScaling) -> None:
    """Add the two resource types."""
    types = Types(scaling)
    add_resource_type(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        ResourceType(types.create_target, types.delete_target, types.update_target),
    )
    add_resource_type(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        ResourceType(types.create_policy, types.delete_policy, types.update_policy),
    )
    where = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    CFN.REPLACING_PROPERTIES["AWS::ApplicationAutoScaling::ScalableTarget"] = where
    CFN.REPLACING_PROPERTIES["AWS::ApplicationAutoScaling::ScalingPolicy"] = (
        *where,
        "PolicyName",
        "ScalingTargetId",
    )


class Types:
    """What CloudFormation does with the two types."""

    def __init__(self, scaling: ApplicationAutoScaling) -> None:
        self._scaling = scaling

    def create_target(self, logical_id: str, properties: Json, stack: str) -> Created:
        """Register a target."""
        del logical_id, stack
        refuse_unknown(properties, TARGET_PROPERTIES, "AWS::ApplicationAutoScaling::ScalableTarget")
        self._scaling.register(properties)
        words = (properties[k] for k in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
        target_id = "|".join(words)
        return target_id, {"Id": target_id}

    def update_target(self, physical_id: str, old: Json, new: Json, stack: str) -> Created:
        """Change a target's bounds."""
        del physical_id, old
        return self.create_target("", new, stack)

    def delete_target(self, physical_id: str, properties: Json) -> None:
        """Deregister a target, if its service is still known."""
        del properties
        with contextlib.suppress(RefusedError):
            self._scaling.deregister(_named(physical_id))

    def create_policy(self, logical_id: str, properties: Json, stack: str) -> Created:
        """Put a policy."""
        refuse_unknown(properties, POLICY_PROPERTIES, "AWS::ApplicationAutoScaling::ScalingPolicy")
        properties = {**properties}
        if target_id := properties.pop("ScalingTargetId", None):
            properties |= _named(target_id)
        properties.setdefault("PolicyName", CFN.physical_name(stack, logical_id))
        arn = self._scaling.put_policy(properties)["PolicyARN"]
        return arn, {"Arn": arn}

    def update_policy(self, physical_id: str, old: Json, new: Json, stack: str) -> Created:
        """Change a policy; its name, which may have been made up, is at the end of its ARN."""
        del old
        named = {**new, "PolicyName": physical_id.rsplit("policyName/", 1)[-1]}
        return self.create_policy("", named, stack)

    def delete_policy(self, physical_id: str, properties: Json) -> None:
        """Delete a policy, unless it went with its target."""
        del properties
        self._scaling.forget_policy(physical_id)


def _named(target_id: str) -> Json:
    """What a target's Ref says."""
    resource, dimension, namespace = target_id.split("|")
    return {
        "ResourceId": resource,
        "ScalableDimension": dimension,
        "ServiceNamespace": namespace,
    }
