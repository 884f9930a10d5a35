"""Auto Scaling groups: which there are, and what is done to one from outside.

What happens in a group by itself is in group_life.py.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping

from deploy.lab.cloud import launch_templates
from deploy.lab.cloud.border import RESPONSES, Internals, Json, RefusedError, call, records
from deploy.lab.cloud.group_model import IN_SERVICE, TERMINATING, Group, Member, Settings, stamp

EC2 = Internals("services.ec2", "_ACTION_MAP", "_instances")
ALB = Internals("services.alb", "_ACTION_MAP", "_tgs")


class Groups:
    """All groups, by account, region and name. Hold `lock` while changing one."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str, str], Group] = {}
        self.lock = threading.RLock()
        # Who may ask for an instance to stay a while after it left its target groups.
        self.holders: list[Callable[[str], bool]] = []

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
        launch_templates.version_of(settings.template)  # refused now rather than at each launch
        for arn in settings.target_group_arns:
            if arn not in ALB.tgs:
                raise RefusedError(f"Provided Target Groups may not be valid: {arn}")
        arn = (
            f"arn:aws:autoscaling:{region}:{account}:autoScalingGroup:{RESPONSES.new_uuid()}:"
            f"autoScalingGroupName/{name}"
        )
        group = Group(name, arn, settings)
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
        launch_templates.version_of(settings.template)
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
                terminate(member)

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
        tell_target_state(member, "Terminated")

    def _deregister(self, group: Group, member: Member) -> None:
        if member.state == IN_SERVICE:
            for arn in group.settings.target_group_arns:
                to_target_group("DeregisterTargets", arn, member)

    def _change_target_groups(self, group: Group, arns: Collection[str]) -> None:
        before = group.settings.target_group_arns
        for member in group.active:
            if member.state == IN_SERVICE:
                for arn in set(before) - set(arns):
                    to_target_group("DeregisterTargets", arn, member)
                for arn in set(arns) - set(before):
                    to_target_group("RegisterTargets", arn, member)


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


def to_target_group(action: str, arn: str, member: Member) -> None:
    """Register or deregister; a target group that is gone has no targets either."""
    if arn in ALB.tgs:
        parameters = {"TargetGroupArn": arn, "Targets.member.1.Id": member.instance_id}
        call(ALB.ACTION_MAP[action], **parameters)


def terminate(member: Member) -> None:
    """Terminate its instance, unless somebody has."""
    instance: Mapping[str, Json] = records(EC2.instances).get(member.instance_id) or {}
    if instance and instance["State"]["Name"] != "terminated":
        call(EC2.ACTION_MAP["TerminateInstances"], **{"InstanceId.1": member.instance_id})


def tell_target_state(member: Member, state: str) -> None:
    """What the instance's own metadata says it is heading for."""
    if instance := records(EC2.instances).get(member.instance_id):
        instance["_target_lifecycle_state"] = state
