"""EC2 Auto Scaling's API: groups with real instances, warm pools, hooks, truthful activities.

MiniStack answers for what only has to be remembered: hooks, scaling policies, tags.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias
from xml.sax.saxutils import escape

from deploy.lab.cloud.border import (
    Action,
    Internals,
    Json,
    Parameters,
    RefusedError,
    Response,
)
from deploy.lab.cloud.group_answers import (
    activity_answer,
    group_answer,
    instance_answer,
    properties_of,
    tags_answer,
)
from deploy.lab.cloud.group_model import Group, Member, Settings, is_true
from deploy.lab.cloud.groups import Groups, check_size, complete

ASG = Internals(
    "services.autoscaling",
    "_ACTION_MAP",
    "_delete_group_hooks",
    "_delete_group_policies",
    "_error",
    "_member_xml",
    "_p",
    "_parse_nested",
    "_tags",
    "_xml",
)

Answer: TypeAlias = Callable[[Parameters], Json]
# Parameters of Create- and UpdateAutoScalingGroup that are one value.
PLAIN = (
    "AutoScalingGroupName",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "DesiredCapacity",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "MaxSize",
    "MinSize",
    "NewInstancesProtectedFromScaleIn",
    "VPCZoneIdentifier",
)
NESTED = ("AvailabilityZones", "LaunchTemplate", "Tags", "TargetGroupARNs", "TerminationPolicies")
WARM_POOL = ("MaxGroupPreparedCapacity", "MinSize", "PoolState")


def install(groups: Groups) -> None:
    """Put our actions in place of MiniStack's."""
    api = Api(groups)
    answers: dict[str, Answer] = {
        "CompleteLifecycleAction": api.complete_lifecycle_action,
        "CreateAutoScalingGroup": api.create,
        "DeleteAutoScalingGroup": api.delete,
        "DeleteWarmPool": api.delete_warm_pool,
        "DescribeAutoScalingGroups": api.describe,
        "DescribeAutoScalingInstances": api.describe_instances,
        "DescribeScalingActivities": api.describe_activities,
        "DescribeWarmPool": api.describe_warm_pool,
        "PutWarmPool": api.put_warm_pool,
        "ResumeProcesses": api.resume,
        "SetDesiredCapacity": api.set_desired,
        "SetInstanceHealth": api.set_health,
        "StartInstanceRefresh": api.refuse_refresh,
        "SuspendProcesses": api.suspend,
        "TerminateInstanceInAutoScalingGroup": api.terminate,
        "UpdateAutoScalingGroup": api.update,
    }
    for name, answer in answers.items():
        ASG.ACTION_MAP[name] = _action(name, answer, groups)


class Api:
    """What each action does; what it gives is the content of the action's result."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    def create(self, parameters: Parameters) -> Json:
        """CreateAutoScalingGroup."""
        properties = _properties(parameters)
        desired = properties.get("DesiredCapacity")
        group = self._groups.create(
            properties["AutoScalingGroupName"],
            Settings.of(properties),
            None if desired is None else int(desired),
        )
        remember_tags(group)
        return {}

    def update(self, parameters: Parameters) -> Json:
        """UpdateAutoScalingGroup; what is not given stays."""
        properties = _properties(parameters)
        group = self._groups.find(properties["AutoScalingGroupName"])
        desired = properties.get("DesiredCapacity")
        merged = {**properties_of(group), **properties}
        self._groups.update(
            group, Settings.of(merged), None if desired is None else int(str(desired))
        )
        return {}

    def delete(self, parameters: Parameters) -> Json:
        """DeleteAutoScalingGroup; one with instances only by force."""
        group = self._find(parameters)
        if group.members and not is_true(ASG.p(parameters, "ForceDelete")):
            raise RefusedError(
                "You cannot delete an AutoScalingGroup while there are instances or pending "
                "Spot instance request(s) still in the group."
            )
        delete(self._groups, group)
        return {}

    def set_desired(self, parameters: Parameters) -> Json:
        """SetDesiredCapacity."""
        group, desired = self._find(parameters), int(ASG.p(parameters, "DesiredCapacity"))
        check_size(group.settings, desired)
        group.resize(desired, "a user request explicitly set group desired capacity")
        return {}

    def terminate(self, parameters: Parameters) -> Json:
        """TerminateInstanceInAutoScalingGroup."""
        instance_id = ASG.p(parameters, "InstanceId")
        group, member = self._with_instance(instance_id)
        if is_true(ASG.p(parameters, "ShouldDecrementDesiredCapacity")):
            check_size(group.settings, group.desired - 1)
            group.resize(group.desired - 1, "a user request of an instance termination")
        self._groups.end(
            group,
            member,
            "an instance was taken out of service in response to a user request.",
        )
        return {"Activity": activity_answer(group, member.activity)}

    def set_health(self, parameters: Parameters) -> Json:
        """SetInstanceHealth."""
        _, member = self._with_instance(ASG.p(parameters, "InstanceId"))
        member.health = ASG.p(parameters, "HealthStatus")
        return {}

    def complete_lifecycle_action(self, parameters: Parameters) -> Json:
        """CompleteLifecycleAction; the lab knows an action by its instance, not by its token."""
        group, member = self._with_instance(ASG.p(parameters, "InstanceId"))
        if group is not self._find(parameters):
            raise RefusedError(
                f"No active Lifecycle Action found with instance ID {member.instance_id}"
            )
        result = ASG.p(parameters, "LifecycleActionResult")
        complete(member, ASG.p(parameters, "LifecycleHookName"), result)
        return {}

    def suspend(self, parameters: Parameters) -> Json:
        """SuspendProcesses."""
        self._find(parameters).suspended.update(_processes(parameters))
        return {}

    def resume(self, parameters: Parameters) -> Json:
        """ResumeProcesses."""
        self._find(parameters).suspended.difference_update(_processes(parameters))
        return {}

    def refuse_refresh(self, parameters: Parameters) -> Json:
        """StartInstanceRefresh, which MiniStack would call successful at once."""
        del parameters
        raise RefusedError(
            "the lab refreshes no instances: update the stack, whose UpdatePolicy replaces them"
        )

    def put_warm_pool(self, parameters: Parameters) -> Json:
        """PutWarmPool."""
        given = {key: ASG.p(parameters, key) for key in WARM_POOL}
        put_warm_pool(self._find(parameters), {k: v for k, v in given.items() if v != ""})
        return {}

    def delete_warm_pool(self, parameters: Parameters) -> Json:
        """DeleteWarmPool; its instances are ended."""
        self._find(parameters).warm = None
        return {}

    def describe_warm_pool(self, parameters: Parameters) -> Json:
        """DescribeWarmPool."""
        group = self._find(parameters)
        instances = [instance_answer(member) for member in group.pool]
        configuration = {"WarmPoolConfiguration": group.warm} if group.warm else {}
        return {**configuration, "Instances": instances}

    def describe(self, parameters: Parameters) -> Json:
        """DescribeAutoScalingGroups."""
        names = ASG.parse_nested(parameters, "AutoScalingGroupNames") or []
        chosen = [g for g in self._groups.here() if not names or g.name in names]
        return {"AutoScalingGroups": [group_answer(group) for group in chosen]}

    def describe_instances(self, parameters: Parameters) -> Json:
        """DescribeAutoScalingInstances."""
        ids = ASG.parse_nested(parameters, "InstanceIds") or []
        return {
            "AutoScalingInstances": [
                {"AutoScalingGroupName": group.name, **instance_answer(member)}
                for group in self._groups.here()
                for member in [*group.members, *group.pool]
                if not ids or member.instance_id in ids
            ]
        }

    def describe_activities(self, parameters: Parameters) -> Json:
        """DescribeScalingActivities, the latest first."""
        name = ASG.p(parameters, "AutoScalingGroupName")
        chosen = [self._groups.find(name)] if name else self._groups.here()
        activities = [activity_answer(group, one) for group in chosen for one in group.activities]
        return {"Activities": activities[: int(ASG.p(parameters, "MaxRecords") or 100)]}

    def _find(self, parameters: Parameters) -> Group:
        return self._groups.find(ASG.p(parameters, "AutoScalingGroupName"))

    def _with_instance(self, instance_id: str) -> tuple[Group, Member]:
        found = self._groups.with_instance(instance_id)
        if found is None:
            raise RefusedError(
                f"Instance Id not found - No managed instance found for {instance_id}"
            )
        return found


def put_warm_pool(group: Group, settings: Json) -> None:
    """Give a group a warm pool, or change the one it has.

    Raises:
        RefusedError: the lab has no such state.
    """
    state = settings.setdefault("PoolState", "Stopped")
    if state not in {"Stopped", "Running"}:
        raise RefusedError(f"the lab keeps warm instances Stopped or Running, not {state}")
    group.warm = settings


def delete(groups: Groups, group: Group) -> None:
    """Delete a group and what belongs to it."""
    groups.delete(group)
    ASG.tags.pop(group.name, None)
    ASG.delete_group_hooks(group.name)
    ASG.delete_group_policies(group.name)


def remember_tags(group: Group) -> None:
    """Let DescribeTags know the group's tags."""
    ASG.tags[group.name] = tags_answer(group)


# ---- what the answers look like ----


def _action(name: str, answer: Answer, groups: Groups) -> Action:
    def act(parameters: Parameters) -> Response:
        try:
            with groups.lock:
                content = answer(parameters)
        except RefusedError as error:
            refusal: Response = ASG.error("ValidationError", escape(str(error)))
            return refusal
        result = f"<{name}Result>{ASG.member_xml(content)}</{name}Result>"
        response: Response = ASG.xml(200, f"{name}Response", result)
        return response

    return act


def _properties(parameters: Parameters) -> Json:
    plain = {key: ASG.p(parameters, key) for key in PLAIN}
    nested = {key: ASG.parse_nested(parameters, key) for key in NESTED}
    return {k: v for k, v in {**plain, **nested}.items() if v not in ("", {}, [])}


def _processes(parameters: Parameters) -> Iterable[str]:
    """The named processes; all of them when none is named."""
    named: list[str] = ASG.parse_nested(parameters, "ScalingProcesses") or []
    return named or ("Launch", "Terminate", "HealthCheck", "ReplaceUnhealthy", "AlarmNotification")
