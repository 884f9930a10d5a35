"""What is said of Auto Scaling groups: in the state document and in the API's answers."""

import json

from deploy.lab.cloud.border import Internals, Json, records
from deploy.lab.cloud.group_model import Activity, Group, Member, pool_size, stamp
from deploy.lab.cloud.groups import Groups
from deploy.lab.cloud.launch_templates import has_detailed_monitoring

ASG = Internals("services.autoscaling", "_policies")


def wanted(groups: Groups) -> list[Json]:
    """The groups for the state document."""
    return [
        {
            "name": group.name,
            "min": group.settings.min_size,
            "max": group.settings.max_size,
            "desired": group.desired,
            "cooldown_s": group.settings.cooldown_s,
            # Without one of its own a group's instances warm up as long as it cools down.
            "warmup_s": (
                group.settings.cooldown_s
                if group.settings.warmup_s is None
                else group.settings.warmup_s
            ),
            "instances": [_wanted_member(member) for member in group.members],
            "target_group_arns": list(group.settings.target_group_arns),
            "policies": _wanted_policies(group.name),
            "suspended": sorted(group.suspended),
            "detailed_monitoring": has_detailed_monitoring(group.settings.template),
            "warm_pool": group.warm
            and {
                "min_size": int(str(group.warm.get("MinSize") or 0)),
                "pool_state": group.warm["PoolState"],
                "instances": [_wanted_member(member) for member in group.pool],
            },
        }
        for group in groups.everywhere()
    ]


def _wanted_member(member: Member) -> Json:
    return {
        "id": member.instance_id,
        "lifecycle_state": member.state,
        "health": member.health,
        "in_service_since": member.in_service_since,
    }


def _wanted_policies(name: str) -> list[Json]:
    """A group's target-tracking policies."""
    found = []
    for policy in records(ASG.policies).values():
        tracking = policy.get("TargetTrackingConfiguration")
        if policy["AutoScalingGroupName"] == name and tracking:
            metric = tracking.get("PredefinedMetricSpecification") or {}
            found.append(
                {
                    "name": policy["PolicyName"],
                    "type": policy["PolicyType"],
                    "target_value": tracking["TargetValue"],
                    "metric": metric.get("PredefinedMetricType"),
                    "resource_label": metric.get("ResourceLabel"),
                    "disable_scale_in": tracking["DisableScaleIn"],
                }
            )
    return found


def properties_of(group: Group) -> Json:
    """A group's settings in the words they were given in."""
    settings = group.settings
    return {
        "AvailabilityZones": list(settings.zones),
        "DefaultCooldown": settings.cooldown_s,
        "DefaultInstanceWarmup": settings.warmup_s,
        "HealthCheckGracePeriod": settings.grace_s,
        "HealthCheckType": settings.health_check_type,
        "LaunchTemplate": settings.template,
        "MaxSize": settings.max_size,
        "MinSize": settings.min_size,
        "NewInstancesProtectedFromScaleIn": settings.protected,
        "Tags": list(settings.tags),
        "TargetGroupARNs": list(settings.target_group_arns),
        "TerminationPolicies": list(settings.termination_policies),
        "VPCZoneIdentifier": ",".join(settings.subnets),
    }


def group_answer(group: Group) -> Json:
    """As DescribeAutoScalingGroups has it."""
    settings = properties_of(group)
    warmup = settings.pop("DefaultInstanceWarmup")
    return {
        **settings,
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "AvailabilityZones": sorted({*group.settings.zones, *(m.zone for m in group.members)}),
        "CreatedTime": stamp(group.created),
        "DesiredCapacity": group.desired,
        "HealthCheckGracePeriod": int(group.settings.grace_s),
        "Instances": [instance_answer(member) for member in group.members],
        "SuspendedProcesses": [
            {"ProcessName": name, "SuspensionReason": "User suspended"}
            for name in sorted(group.suspended)
        ],
        "Tags": tags_answer(group),
        **({} if warmup is None else {"DefaultInstanceWarmup": warmup}),
        **({"WarmPoolConfiguration": group.warm} if group.warm else {}),
        "WarmPoolSize": pool_size(
            group.warm, max_size=group.settings.max_size, desired=group.desired
        ),
    }


def tags_answer(group: Group) -> list[Json]:
    """As DescribeTags has them."""
    about = {"ResourceId": group.name, "ResourceType": "auto-scaling-group"}
    return [{**tag, **about} for tag in group.settings.tags]


def instance_answer(member: Member) -> Json:
    """As an instance is shown within its group."""
    return {
        "InstanceId": member.instance_id,
        "AvailabilityZone": member.zone,
        "LifecycleState": member.state,
        "HealthStatus": member.health,
        "ProtectedFromScaleIn": member.protected,
        "LaunchTemplate": member.template,
    }


def activity_answer(group: Group, activity: Activity) -> Json:
    """As DescribeScalingActivities has it."""
    ended = {} if activity.ended is None else {"EndTime": stamp(activity.ended)}
    message = {"StatusMessage": activity.message} if activity.message else {}
    return {
        "ActivityId": activity.activity_id,
        "AutoScalingGroupName": group.name,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": stamp(activity.started),
        **ended,
        "StatusCode": activity.status,
        **message,
        "Progress": 100 if activity.ended else 50,
        "Details": json.dumps({"Subnet IDs": list(group.settings.subnets)}),
    }
