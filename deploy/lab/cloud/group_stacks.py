"""Auto Scaling groups and warm pools as resources of a stack, with rolling updates."""

import math
import time
from collections.abc import Collection
from dataclasses import dataclass

from deploy.lab.cloud import autoscaling, launch_templates
from deploy.lab.cloud.border import (
    Created,
    Internals,
    Json,
    RefusedError,
    ResourceType,
    add_resource_type,
    refuse_unknown,
)
from deploy.lab.cloud.group_model import IN_SERVICE, Group, Settings, is_true
from deploy.lab.cloud.groups import Groups
from deploy.lab.cloud.observed import now
from deploy.lab.cloud.signals import SignalError, Signals, duration_s
from deploy.lab.cloud.template_policies import policy

ASG = Internals("services.autoscaling", "_hook_record", "_hooks")
CFN = Internals("services.cloudformation.provisioners", "_REPLACING_PROPERTIES", "_physical_name")

HONOURED = frozenset(
    {
        "AutoScalingGroupName",
        "AvailabilityZones",
        "Cooldown",
        "DefaultInstanceWarmup",
        "DesiredCapacity",
        "HealthCheckGracePeriod",
        "HealthCheckType",
        "LaunchTemplate",
        "LifecycleHookSpecificationList",
        "MaxSize",
        "MinSize",
        "NewInstancesProtectedFromScaleIn",
        "Tags",
        "TargetGroupARNs",
        "TerminationPolicies",
        "VPCZoneIdentifier",
    }
)
# Taken and recorded nowhere: metrics are not kept, zones do not fail, nothing lives long enough.
WITHOUT_EFFECT = frozenset({"CapacityRebalance", "MaxInstanceLifetime", "MetricsCollection"})
WARM_POOL = frozenset({"AutoScalingGroupName", "MaxGroupPreparedCapacity", "MinSize", "PoolState"})
# A change of these replaces instances when there is an UpdatePolicy (its reference, 2026-11).
ROLLING = ("LaunchTemplate", "VPCZoneIdentifier")
LOOK_EVERY_S = 0.05
# Longer than any machine of a lab takes to start.
COME_UP_WITHIN_S = 300.0


def install(groups: Groups, signals: Signals, cancelled: Collection[str]) -> None:
    """Put our resource types in place of MiniStack's."""
    types = Types(groups, signals, cancelled)
    add_resource_type(
        "AWS::AutoScaling::AutoScalingGroup",
        ResourceType(types.create, types.delete, types.update),
    )
    add_resource_type(
        "AWS::AutoScaling::WarmPool",
        ResourceType(types.create_pool, types.delete_pool, types.update_pool),
    )
    CFN.REPLACING_PROPERTIES["AWS::AutoScaling::AutoScalingGroup"] = ("AutoScalingGroupName",)
    CFN.REPLACING_PROPERTIES["AWS::AutoScaling::WarmPool"] = ("AutoScalingGroupName",)


class Types:
    """What CloudFormation does with the two types."""

    def __init__(self, groups: Groups, signals: Signals, cancelled: Collection[str]) -> None:
        self._groups = groups
        self._signals = signals
        self._cancelled = cancelled

    def create(self, logical_id: str, properties: Json, stack: str) -> Created:
        """Create a group; its CreationPolicy is waited for elsewhere."""
        refuse_unknown(properties, HONOURED | WITHOUT_EFFECT, "AWS::AutoScaling::AutoScalingGroup")
        name = properties.get("AutoScalingGroupName") or CFN.physical_name(stack, logical_id)
        desired = properties.get("DesiredCapacity")
        with self._groups.lock:
            group = self._groups.create(
                name, Settings.of(properties), None if desired is None else int(desired)
            )
            _set_hooks(name, properties)
            autoscaling.remember_tags(group)
        return name, _attributes(group)

    def update(self, physical_id: str, old: Json, new: Json, stack: str) -> Created:
        """Change a group, and replace its instances if its UpdatePolicy says so."""
        refuse_unknown(new, HONOURED | WITHOUT_EFFECT, "AWS::AutoScaling::AutoScalingGroup")
        group = self._groups.find(physical_id)
        desired = new.get("DesiredCapacity")
        if desired == old.get("DesiredCapacity"):
            desired = None
        with self._groups.lock:
            settings = Settings.of(new)
            self._groups.update(group, settings, None if desired is None else int(desired))
            _set_hooks(physical_id, new)
            autoscaling.remember_tags(group)
        rolling = policy(stack, _logical_id(new), "UpdatePolicy")
        if any(old.get(key) != new.get(key) for key in ROLLING) and (
            how := rolling.get("AutoScalingRollingUpdate")
        ):
            Roll(self._groups, group, self._signals, self._cancelled, stack, _logical_id(new)).run(
                how
            )
        return physical_id, _attributes(group)

    def delete(self, physical_id: str, properties: Json) -> None:
        """Delete a group and its instances; AWS would let them drain first."""
        del properties
        try:
            group = self._groups.find(physical_id)
        except RefusedError:
            return
        autoscaling.delete(self._groups, group)

    def create_pool(self, logical_id: str, properties: Json, stack: str) -> Created:
        """Give a group a warm pool."""
        del logical_id, stack
        refuse_unknown(properties, WARM_POOL, "AWS::AutoScaling::WarmPool")
        name = properties["AutoScalingGroupName"]
        settings = {k: v for k, v in properties.items() if k != "AutoScalingGroupName"}
        with self._groups.lock:
            autoscaling.put_warm_pool(self._groups.find(name), settings)
        return name, {}

    def update_pool(self, physical_id: str, old: Json, new: Json, stack: str) -> Created:
        """Change a warm pool."""
        del physical_id, old
        return self.create_pool("", new, stack)

    def delete_pool(self, physical_id: str, properties: Json) -> None:
        """Take the warm pool away."""
        del properties
        with self._groups.lock:
            try:
                self._groups.find(physical_id).warm = None
            except RefusedError:
                return


@dataclass(frozen=True)
class Roll:
    """One rolling update: instances of an earlier template go in batches, and new ones come.

    As many stay in service as the policy says: if that leaves no room, more are launched first.
    """

    groups: Groups
    group: Group
    signals: Signals
    cancelled: Collection[str]
    stack: str
    logical_id: str

    def run(self, how: Json) -> None:
        """Replace every outdated instance.

        Raises:
            RefusedError: too few of the new instances came up.
        """
        group, suspended = self.group, set(how.get("SuspendProcesses") or ())
        suspended -= group.suspended
        group.suspended |= suspended
        desired = group.desired
        try:
            while self._outdated():
                self._replace_batch(how)
        finally:
            with self.groups.lock:
                group.suspended -= suspended
                if group.desired > desired:
                    group.resize(desired, "a rolling update ended,")

    def _outdated(self) -> list[str]:
        version = launch_templates.version_of(self.group.settings.template)
        return [m.instance_id for m in self.group.active if m.template["Version"] != version]

    def _replace_batch(self, how: Json) -> None:
        group, batch = self.group, int(how.get("MaxBatchSize") or 1)
        least = int(how.get("MinInstancesInService") or 0)
        with self.groups.lock:
            outdated = self._outdated()
            serving = [m for m in group.active if m.state == IN_SERVICE]
            room = min(batch, len(outdated), max(len(serving) - least, 0))
            # Instances that never came into service keep no one.
            room = room or (0 if serving else min(batch, len(outdated)))
            extra = min(batch, len(outdated), group.settings.max_size - group.desired)
        if not room and extra <= 0:
            raise RefusedError(
                "MinInstancesInService must be less than the autoscaling group's MaxSize"
            )
        needed = self._expect(how, room or extra)
        with self.groups.lock:
            known = {m.instance_id for m in group.active}
            if room:
                self._end(outdated[:room])
            else:
                group.resize(group.desired + extra, "a rolling update needs room,")
        leaving: Collection[str] = outdated[:extra]
        try:
            self._await(how, known, needed)
        except RefusedError:
            # Left to the group, an old one would go: the template that failed is still its own.
            leaving = {m.instance_id for m in group.active} - known
            raise
        finally:
            if not room:
                with self.groups.lock:
                    self._end(leaving)
                    group.resize(group.desired - extra, "a rolling update made room,")

    def _end(self, instance_ids: Collection[str]) -> None:
        for member in self.group.active:
            if member.instance_id in instance_ids:
                self.groups.end(
                    self.group,
                    member,
                    "an instance was taken out of service in response to a rolling update.",
                )

    def _expect(self, how: Json, count: int) -> int:
        """Begin to wait for signals; how many of the new instances have to come up."""
        percent = float(how.get("MinSuccessfulInstancesPercent", 100))
        needed = math.ceil(count * percent / 100)
        if is_true(how.get("WaitOnResourceSignals")):
            signal = {"Count": count, "Timeout": how.get("PauseTime", "PT5M")}
            self.signals.expect(self.stack, self.logical_id, signal, tolerated=count - needed)
        return needed

    def _await(self, how: Json, known: Collection[str], needed: int) -> None:
        """Wait until the new instances have signalled, and are in service."""
        try:
            self.signals.wait_for_all(self.stack)
        except SignalError as error:
            raise RefusedError(error.reason) from None
        # A pause without signals is for instances to come up; here it ends when they are up.
        deadline = now() + max(duration_s(str(how.get("PauseTime", "PT0S"))), COME_UP_WITHIN_S)
        while not self._are_up(known, needed):
            if now() >= deadline or self.stack in self.cancelled:
                raise RefusedError(f"{needed} new instance(s) did not come into service")
            time.sleep(LOOK_EVERY_S)

    def _are_up(self, known: Collection[str], count: int) -> bool:
        fresh = [m for m in self.group.active if m.instance_id not in known]
        return len([m for m in fresh if m.state == IN_SERVICE]) >= count


def _set_hooks(name: str, properties: Json) -> None:
    """The hooks that the group's own definition lists."""
    for hook in properties.get("LifecycleHookSpecificationList") or []:
        key = hook["LifecycleHookName"]
        ASG.hooks[f"{name}/{key}"] = ASG.hook_record(name, key, hook)


def _attributes(group: Group) -> dict[str, str]:
    return {"AutoScalingGroupARN": group.arn, "Arn": group.arn}


def _logical_id(properties: Json) -> str:
    """CloudFormation adds it to the tags of everything that has tags."""
    tags = {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}
    return tags.get("aws:cloudformation:logical-id", "")
