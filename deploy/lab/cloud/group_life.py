"""The life of an Auto Scaling group: one look after the other.

One thread looks at every group again and again; each look takes each member at most one step
along its lifecycle, and nothing in it waits.
"""

import logging
import time

from deploy.lab.cloud import elbv2, launch_templates
from deploy.lab.cloud.border import Internals, RefusedError, call, records, scope
from deploy.lab.cloud.draining import Target
from deploy.lab.cloud.group_model import (
    IN_SERVICE,
    Group,
    Hook,
    Member,
    next_zone,
    pool_size,
    stamp,
    victims,
)
from deploy.lab.cloud.groups import Groups, tell_target_state, terminate, to_target_group
from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.observed import now
from deploy.lab.delays import scaled

ASG = Internals("services.autoscaling", "_hooks")
EC2 = Internals("services.ec2", "_ACTION_MAP", "_instances", "_subnets")
ALB = Internals("services.alb", "_tgs")

LOOK_EVERY_S = 0.1
# AWS waits longer after each failure; it gives no figures.
RETRY_LAUNCH_S = 5.0
LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
LEAVING = "autoscaling:EC2_INSTANCE_TERMINATING"

log = logging.getLogger("lab.groups")


class Life:
    """Looks after the groups."""

    def __init__(self, lab: Lab, groups: Groups) -> None:
        self._lab = lab
        self._groups = groups
        self._targets = elbv2.TargetGroups(lab)

    def look_after_all(self) -> None:
        """Look at every group, again and again."""
        while True:
            time.sleep(LOOK_EVERY_S)
            for group in self._groups.everywhere():
                try:
                    with scope(group.account, group.region), self._groups.lock:
                        self._look_after(group)
                except Exception:
                    log.exception("could not look after %s", group.name)

    def _look_after(self, group: Group) -> None:
        for member in list(group.members):
            self._advance(group, member)
        for member in list(group.pool):
            self._advance(group, member)
        if not group.suspended & {"HealthCheck", "ReplaceUnhealthy"}:
            self._replace_unhealthy(group)
        self._match_desired(group)
        self._match_pool(group)

    def _advance(self, group: Group, member: Member) -> None:
        """One step along the lifecycle."""
        member.booted |= self._seen(member) in {"starting", "running"}
        match member.state:
            case "Pending" | "Warmed:Pending" if self._seen(member) == "running":
                self._wait_in_hook(group, member, LAUNCHING)
            case "Pending:Wait" | "Warmed:Pending:Wait":
                match _verdict(member):
                    case "CONTINUE":
                        self._proceed(group, member)
                    case "ABANDON":
                        self._groups.end(
                            group, member, "the launch was abandoned by a lifecycle hook."
                        )
            case "Pending:Proceed" | "Warmed:Pending:Proceed":
                self._proceed(group, member)
            case "Terminating" if not self._is_held(group, member):
                self._wait_in_hook(group, member, LEAVING)
            case "Terminating:Wait" if _verdict(member):
                member.state = "Terminating:Proceed"
            case "Terminating:Proceed":
                terminate(member)
                group.members = [m for m in group.members if m is not member]
                group.pool = [m for m in group.pool if m is not member]
                member.activity.end()

    def _wait_in_hook(self, group: Group, member: Member, transition: str) -> None:
        hook = next(
            (
                hook
                for hook in records(ASG.hooks).values()
                if hook["AutoScalingGroupName"] == group.name
                and hook["LifecycleTransition"] == transition
            ),
            None,
        )
        if hook is None:
            member.state += ":Proceed"
            return
        until = now() + float(hook["HeartbeatTimeout"])
        member.hook = Hook(hook["LifecycleHookName"], until, hook["DefaultResult"])
        member.state += ":Wait"

    def _proceed(self, group: Group, member: Member) -> None:
        if member.state.startswith("Warmed"):
            stops = (group.warm or {}).get("PoolState", "Stopped") == "Stopped"
            if stops:
                call(EC2.ACTION_MAP["StopInstances"], **{"InstanceId.1": member.instance_id})
            member.state = "Warmed:Stopped" if stops else "Warmed:Running"
            member.hook, member.result = None, ""
            member.activity.end()
            return
        member.enter_service()
        for arn in group.settings.target_group_arns:
            to_target_group("RegisterTargets", arn, member)

    def _is_held(self, group: Group, member: Member) -> bool:
        """Whether it still drains, or somebody else needs it a moment longer."""
        arns = group.settings.target_group_arns
        return self._lab.draining.holds(member.instance_id, arns) or any(
            holds(member.instance_id) for holds in self._groups.holders
        )

    def _replace_unhealthy(self, group: Group) -> None:
        for member in [*group.active, *group.pool]:
            if member.is_leaving:
                continue
            if cause := self._unhealthy(group, member):
                member.health = "Unhealthy"
                log.info("%s of %s: %s", member.instance_id, group.name, cause)
                self._groups.end(
                    group, member, f"an instance was taken out of service in response to {cause}"
                )

    def _unhealthy(self, group: Group, member: Member) -> str:
        """Why it has to be replaced, or nothing."""
        instance = records(EC2.instances).get(member.instance_id) or {}
        state = (instance.get("State") or {}).get("Name", "terminated")
        if member.health == "Unhealthy":
            return "a user health-check."
        if state != "running" and member.state != "Warmed:Stopped":
            return f"an EC2 health check indicating it has been {state} or stopped."
        if state == "running" and self._has_crashed(member):
            return "an EC2 instance status checks failure."
        served_s = now() - member.in_service_at if member.in_service_at is not None else 0.0
        if group.settings.health_check_type != "ELB" or served_s <= group.settings.grace_s:
            return ""
        states = [
            self._targets.health(arn, Target(member.instance_id, ALB.tgs[arn]["Port"]))[0]
            for arn in group.settings.target_group_arns
            if arn in ALB.tgs
        ]
        return "an ELB system health check failure." if "unhealthy" in states else ""

    def _has_crashed(self, member: Member) -> bool:
        """Whether its machine ended by itself, as long ago as it takes to be noticed."""
        if not (member.booted and self._seen(member) == "exited"):
            member.ended_at = None
            return False
        if member.ended_at is None:
            member.ended_at = now()
        return now() - member.ended_at >= scaled("status-check", self._lab.speed)

    def _seen(self, member: Member) -> str:
        return str(self._lab.observed.machine(member.instance_id).get("state", ""))

    def _match_desired(self, group: Group) -> None:
        missing = group.desired - len(group.active)
        if not missing:
            group.why = ""
        if missing > 0 and "Launch" not in group.suspended:
            cause = (
                f"{group.why} At {stamp()} an instance was started in response to a difference "
                f"between desired and actual capacity, increasing the capacity from "
                f"{len(group.active)} to {group.desired}."
                if group.why
                else f"At {stamp()} an instance was launched in response to an unhealthy instance "
                "needing to be replaced."
            )
            for _ in range(missing):
                if not (self._take_from_pool(group, cause) or self._launch(group, cause)):
                    return
        elif missing < 0 and "Terminate" not in group.suspended:
            version = launch_templates.version_of(group.settings.template)
            cause = (
                f"an instance was taken out of service in response to a difference between "
                f"desired and actual capacity, shrinking the capacity from {len(group.active)} to "
                f"{group.desired}. {group.why}"
            )
            policies = group.settings.termination_policies
            for member in victims(group.active, -missing, version=version, policies=policies):
                self._groups.end(group, member, cause)

    def _match_pool(self, group: Group) -> None:
        wanted = pool_size(group.warm, max_size=group.settings.max_size, desired=group.desired)
        ready = [member for member in group.pool if not member.is_leaving]
        for _ in range(wanted - len(ready)):
            if not self._launch(group, f"At {stamp()} the warm pool was filled.", warmed=True):
                return
        for member in ready[max(wanted, 0) :]:
            self._groups.end(group, member, "the warm pool was resized.")

    def _take_from_pool(self, group: Group, cause: str) -> bool:
        ready = [m for m in group.pool if m.state in {"Warmed:Stopped", "Warmed:Running"}]
        if not ready:
            return False
        member = ready[0]
        group.pool.remove(member)
        group.members.append(member)
        member.activity = group.begin(
            f"Launching a new EC2 instance from warm pool: {member.instance_id}", cause
        )
        tell_target_state(member, IN_SERVICE)
        if member.state == "Warmed:Stopped":
            self._lab.observed.forget_machine(member.instance_id)
            member.booted = False
            call(EC2.ACTION_MAP["StartInstances"], **{"InstanceId.1": member.instance_id})
        member.state = "Pending"
        return True

    def _launch(self, group: Group, cause: str, *, warmed: bool = False) -> bool:
        if now() < group.retry_at:
            return False
        settings = group.settings
        zones = {
            str(EC2.subnets.get(s, {}).get("AvailabilityZone", "")): s for s in settings.subnets
        }
        zone = next_zone(list(zones), [*group.active, *group.pool]) if zones else ""
        tags = {tag["Key"]: tag["Value"] for tag in settings.tags if tag["PropagateAtLaunch"]}
        tags["aws:autoscaling:groupName"] = group.name
        try:
            instance_id = launch_templates.launch(
                settings.template, subnet=zones.get(zone, ""), tags=tags
            )
        except RefusedError as error:
            group.retry_at = now() + RETRY_LAUNCH_S
            failed = group.begin("Launching a new EC2 instance", cause)
            failed.end("Failed", f"{error}. Launching EC2 instance failed.")
            return False
        activity = group.begin(f"Launching a new EC2 instance: {instance_id}", cause)
        member = Member(
            instance_id,
            zone or EC2.instances[instance_id]["Placement"]["AvailabilityZone"],
            {
                **launch_templates.name_of(settings.template),
                "Version": launch_templates.version_of(settings.template),
            },
            "Warmed:Pending" if warmed else "Pending",
            activity,
            protected=settings.protected,
        )
        state = (group.warm or {}).get("PoolState", "Stopped") if warmed else ""
        tell_target_state(member, f"Warmed:{state}" if warmed else IN_SERVICE)
        (group.pool if warmed else group.members).append(member)
        return True


def _verdict(member: Member) -> str:
    """What its hook decided, or nothing yet."""
    if member.result:
        return member.result
    assert member.hook  # noqa: S101 - in a waiting state
    return member.hook.default_result if now() >= member.hook.until else ""
