"""Auto Scaling groups at work: instances are launched, put into service, watched and ended.

One thread looks at every group again and again; each look takes each member at most one step
along its lifecycle, and nothing in it waits.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping

from deploy.lab.cloud import ec2, elbv2
from deploy.lab.cloud.border import (
    RESPONSES,
    Internals,
    Json,
    RefusedError,
    call,
    records,
    scope,
)
from deploy.lab.cloud.draining import Target
from deploy.lab.cloud.group_model import (
    IN_SERVICE,
    TERMINATING,
    Group,
    Hook,
    Member,
    Settings,
    next_zone,
    pool_size,
    stamp,
    victims,
)
from deploy.lab.cloud.lab import Lab
from deploy.lab.cloud.observed import now

ASG = Internals("services.autoscaling", "_hooks")
EC2 = Internals("services.ec2", "_ACTION_MAP", "_instances", "_subnets")
ALB = Internals("services.alb", "_ACTION_MAP", "_tgs")

LOOK_EVERY_S = 0.1
# AWS waits longer after each failure; it gives no figures.
RETRY_LAUNCH_S = 5.0
LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
LEAVING = "autoscaling:EC2_INSTANCE_TERMINATING"

log = logging.getLogger("lab.groups")


class Groups:
    """All groups, by account, region and name. Hold `lock` while changing one."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._targets = elbv2.TargetGroups(lab)
        self._all: dict[tuple[str, str, str], Group] = {}
        self.lock = threading.RLock()
        # Who may ask for an instance to stay a while after it left its target groups.
        self.holders: list[Callable[[str], bool]] = []

    def look_after_all(self) -> None:
        """Look at every group, again and again."""
        while True:
            time.sleep(LOOK_EVERY_S)
            for (account, region, name), group in list(self._all.items()):
                try:
                    with scope(account, region), self.lock:
                        self._look_after(group)
                except Exception:
                    log.exception("could not look after %s", name)

    # ---- which groups there are ----

    def here(self) -> Iterator[Group]:
        """The groups of the account and region of this request."""
        place = (RESPONSES.get_account_id(), RESPONSES.get_region())
        yield from [group for key, group in self._all.items() if key[:2] == place]

    def everywhere(self) -> list[Group]:
        """All of them."""
        return list(self._all.values())

    def find(self, name: str) -> Group:
        """A group by its name or ARN.

        Raises:
            RefusedError: there is none.
        """
        for group in self.here():
            if name in {group.name, group.arn}:
                return group
        raise RefusedError(f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")

    def with_instance(self, instance_id: str) -> tuple[Group, Member] | None:
        """The group that an instance belongs to, and its member of it."""
        for group in self._all.values():
            for member in [*group.members, *group.pool]:
                if member.instance_id == instance_id:
                    return group, member
        return None

    def create(self, name: str, settings: Settings, desired: int | None) -> Group:
        """Create a group; its instances come with the next looks.

        Raises:
            RefusedError: AWS would refuse it too.
        """
        account, region = RESPONSES.get_account_id(), RESPONSES.get_region()
        if (account, region, name) in self._all:
            raise RefusedError(
                f"AutoScalingGroup by this name already exists - A group with the name {name} "
                "already exists"
            )
        wanted = settings.min_size if desired is None else desired
        check_size(settings, wanted)
        ec2.launch_template_version(settings.template)  # refused now rather than at each launch
        for arn in settings.target_group_arns:
            if arn not in ALB.tgs:
                raise RefusedError(f"Provided Target Groups may not be valid: {arn}")
        arn = (
            f"arn:aws:autoscaling:{region}:{account}:autoScalingGroup:{RESPONSES.new_uuid()}:"
            f"autoScalingGroupName/{name}"
        )
        group = Group(name, arn, settings, desired=0, why="")
        group.resize(wanted, "a user request created an AutoScalingGroup")
        with self.lock:
            self._all[account, region, name] = group
        return group

    def update(self, group: Group, settings: Settings, desired: int | None) -> None:
        """Change a group; without a desired capacity, the one it has is fitted into its bounds.

        Raises:
            RefusedError: AWS would refuse it too.
        """
        fitted = min(max(group.desired, settings.min_size), settings.max_size)
        check_size(settings, fitted if desired is None else desired)
        ec2.launch_template_version(settings.template)
        with self.lock:
            self._change_target_groups(group, settings.target_group_arns)
            group.settings = settings
            group.resize(
                fitted if desired is None else desired,
                "a user request update of AutoScalingGroup constraints to min: "
                f"{settings.min_size}, max: {settings.max_size}, desired: "
                f"{fitted if desired is None else desired}",
            )

    def delete(self, group: Group) -> None:
        """Delete a group and end its instances at once."""
        with self.lock:
            for key, known in list(self._all.items()):
                if known is group:
                    del self._all[key]
            for member in [*group.members, *group.pool]:
                self._deregister(group, member)
                _terminate(member)

    def end(self, group: Group, member: Member, cause: str) -> None:
        """Begin to take a member out: deregister, let it drain, terminate."""
        if member.is_leaving:
            return
        member.activity.end("Cancelled" if member.state != IN_SERVICE else "Successful")
        member.activity = group.begin(
            f"Terminating EC2 instance: {member.instance_id}", f"At {stamp()} {cause}"
        )
        self._deregister(group, member)
        member.state, member.hook, member.result = TERMINATING, None, ""
        _tell_target_state(member, "Terminated")

    # ---- one look ----

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
                        self.end(group, member, "the launch was abandoned by a lifecycle hook.")
            case "Pending:Proceed" | "Warmed:Pending:Proceed":
                self._proceed(group, member)
            case "Terminating" if not self._is_held(group, member):
                self._wait_in_hook(group, member, LEAVING)
            case "Terminating:Wait" if _verdict(member):
                member.state = "Terminating:Proceed"
            case "Terminating:Proceed":
                _terminate(member)
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
            _target("RegisterTargets", arn, member)

    def _is_held(self, group: Group, member: Member) -> bool:
        """Whether it still drains, or somebody else needs it a moment longer."""
        arns = group.settings.target_group_arns
        return self._lab.draining.holds(member.instance_id, arns) or any(
            holds(member.instance_id) for holds in self.holders
        )

    def _replace_unhealthy(self, group: Group) -> None:
        for member in [*group.active, *group.pool]:
            if member.is_leaving:
                continue
            if cause := self._unhealthy(group, member):
                member.health = "Unhealthy"
                log.info("%s of %s: %s", member.instance_id, group.name, cause)
                self.end(
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
        if member.booted and self._seen(member) == "exited" and state == "running":
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

    def _seen(self, member: Member) -> str:
        return str(self._lab.observed.machine(member.instance_id).get("state", ""))

    def _match_desired(self, group: Group) -> None:
        missing = group.desired - len(group.active)
        if missing > 0 and "Launch" not in group.suspended:
            cause = (
                f"{group.why} At {stamp()} an instance was started in response to a difference "
                f"between desired and actual capacity, increasing the capacity from "
                f"{len(group.active)} to {group.desired}."
            )
            for _ in range(missing):
                if not (self._take_from_pool(group, cause) or self._launch(group, cause)):
                    return
        elif missing < 0 and "Terminate" not in group.suspended:
            version = ec2.launch_template_version(group.settings.template)
            cause = (
                f"an instance was taken out of service in response to a difference between "
                f"desired and actual capacity, shrinking the capacity from {len(group.active)} to "
                f"{group.desired}. {group.why}"
            )
            policies = group.settings.termination_policies
            for member in victims(group.active, -missing, version=version, policies=policies):
                self.end(group, member, cause)

    def _match_pool(self, group: Group) -> None:
        wanted = pool_size(group.warm, max_size=group.settings.max_size, desired=group.desired)
        ready = [member for member in group.pool if not member.is_leaving]
        for _ in range(wanted - len(ready)):
            if not self._launch(group, f"At {stamp()} the warm pool was filled.", warmed=True):
                return
        for member in ready[max(wanted, 0) :]:
            self.end(group, member, "the warm pool was resized.")

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
        _tell_target_state(member, IN_SERVICE)
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
            instance_id = ec2.launch(settings.template, subnet=zones.get(zone, ""), tags=tags)
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
                **ec2.launch_template_name(settings.template),
                "Version": ec2.launch_template_version(settings.template),
            },
            "Warmed:Pending" if warmed else "Pending",
            activity,
            protected=settings.protected,
        )
        state = (group.warm or {}).get("PoolState", "Stopped") if warmed else ""
        _tell_target_state(member, f"Warmed:{state}" if warmed else IN_SERVICE)
        (group.pool if warmed else group.members).append(member)
        return True

    def _deregister(self, group: Group, member: Member) -> None:
        if member.state == IN_SERVICE:
            for arn in group.settings.target_group_arns:
                _target("DeregisterTargets", arn, member)

    def _change_target_groups(self, group: Group, arns: Collection[str]) -> None:
        before = group.settings.target_group_arns
        for member in group.active:
            if member.state == IN_SERVICE:
                for arn in set(before) - set(arns):
                    _target("DeregisterTargets", arn, member)
                for arn in set(arns) - set(before):
                    _target("RegisterTargets", arn, member)


def check_size(settings: Settings, desired: int) -> None:
    """Refuse a capacity outside of the group's bounds.

    Raises:
        RefusedError: with AWS's words.
    """
    if settings.min_size > settings.max_size:
        raise RefusedError("Max bound must be greater than or equal to min bound")
    if desired > settings.max_size:
        raise RefusedError(
            f"New SetDesiredCapacity value {desired} is above max value {settings.max_size} "
            "for the AutoScalingGroup."
        )
    if desired < settings.min_size:
        raise RefusedError(
            f"New SetDesiredCapacity value {desired} is below min value {settings.min_size} "
            "for the AutoScalingGroup."
        )


def complete(member: Member, hook_name: str, result: str) -> None:
    """CompleteLifecycleAction, and CONTINUE or ABANDON.

    Raises:
        RefusedError: it waits in no such hook.
    """
    # The script may be faster than the fleet's report that the machine is up.
    soon = member.state in {"Pending", "Warmed:Pending"}
    if not soon and (member.hook is None or member.hook.name != hook_name):
        raise RefusedError(
            f"No active Lifecycle Action found with instance ID {member.instance_id}"
        )
    member.result = result


def _verdict(member: Member) -> str:
    """What its hook decided, or nothing yet."""
    if member.result:
        return member.result
    assert member.hook  # noqa: S101 - in a waiting state
    return member.hook.default_result if now() >= member.hook.until else ""


def _target(action: str, arn: str, member: Member) -> None:
    """Register or deregister; a target group that is gone has no targets either."""
    if arn in ALB.tgs:
        parameters = {"TargetGroupArn": arn, "Targets.member.1.Id": member.instance_id}
        call(ALB.ACTION_MAP[action], **parameters)


def _terminate(member: Member) -> None:
    instance: Mapping[str, Json] = records(EC2.instances).get(member.instance_id) or {}
    if instance and instance["State"]["Name"] != "terminated":
        call(EC2.ACTION_MAP["TerminateInstances"], **{"InstanceId.1": member.instance_id})


def _tell_target_state(member: Member, state: str) -> None:
    """What the instance's own metadata says it is heading for."""
    if instance := records(EC2.instances).get(member.instance_id):
        instance["_target_lifecycle_state"] = state
