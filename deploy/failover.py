"""Move an Elastic IP to the standby instance: what an operator does when the active one fails."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy import probe
from deploy.account import AccountPlace
from deploy.errors import BadInputError, StackError
from deploy.model import Variant

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client

ANSWERS_WITHIN_S = 120


@dataclass(frozen=True)
class Failover:
    """What moved, and how long it took from the moment of asking."""

    address: str
    url: str
    from_instance: str | None
    to_instance: str
    moved_s: float
    answered_s: float


def who_answers(url: str) -> str | None:
    """The instance id that /whoami gives; None when nobody answers."""
    _, answer = probe.get(f"{url}/whoami", timeout_s=1)
    return answer.get("compute_id")


def fail_over(
    place: AccountPlace,
    variant: Variant,
    *,
    clock: Callable[[], float] = time.monotonic,
    ask: Callable[[str], str | None] = who_answers,
) -> Failover:
    """Associate the address with the other instance and wait until that one answers at it."""
    stack_name = variant.stacks[-1].name
    outputs = _outputs(place, variant, stack_name)
    holder = _holder(place.ec2, outputs["AllocationId"])
    pair = (outputs["ActiveInstanceId"], outputs["StandbyInstanceId"])
    standby = pair[0] if holder == pair[1] else pair[1]
    _must_run(place.ec2, standby, variant)
    url = place.reach(outputs["Url"])
    place.tell(f"{outputs['Address']} is with {holder or 'nobody'}; moving it to {standby}")

    began_s = clock()
    place.ec2.associate_address(
        AllocationId=outputs["AllocationId"], InstanceId=standby, AllowReassociation=True
    )
    moved_s = clock() - began_s
    place.patience.until(
        lambda: ask(url) == standby,
        what=f"{standby} to answer at {url}",
        timeout_s=ANSWERS_WITHIN_S,
        remedy="the address has moved; see whether the service runs there, or fail over again",
    )
    return Failover(outputs["Address"], url, holder, standby, moved_s, clock() - began_s)


def _outputs(place: AccountPlace, variant: Variant, stack_name: str) -> Mapping[str, str]:
    stack = place.cloudformation.find(stack_name)
    if stack is None:
        raise StackError(
            f"there is no stack {stack_name} on {place.name}",
            remedy=f"`nineways up {variant.name}` makes it",
        )
    needed = {"Url", "Address", "AllocationId", "ActiveInstanceId", "StandbyInstanceId"}
    if missing := needed - stack.outputs.keys():
        if stack.is_up:
            raise BadInputError(
                f"{variant.name} has no address to move",
                cause=f"its stack has no output {', '.join(sorted(missing))}",
                remedy="only ec2-eip fails over by hand; the others do so themselves",
            )
        raise StackError(f"stack {stack_name} is in {stack.status}: there is nothing to move yet")
    return stack.outputs


def _holder(ec2: "EC2Client", allocation_id: str) -> str | None:
    return ec2.describe_addresses(AllocationIds=[allocation_id])["Addresses"][0].get("InstanceId")


def _must_run(ec2: "EC2Client", instance_id: str, variant: Variant) -> None:
    """An address in front of a machine that is off or broken would help nobody."""
    found = ec2.describe_instance_status(InstanceIds=[instance_id], IncludeAllInstances=True)
    statuses = found["InstanceStatuses"]
    state = statuses[0]["InstanceState"]["Name"] if statuses else "gone"
    if state == "running" and statuses[0]["InstanceStatus"]["Status"] != "impaired":
        return
    failing = "failing its status checks" if state == "running" else state
    raise StackError(
        f"the standby {instance_id} is {failing}; the address stays where it is",
        remedy=f"start it, or make both anew: `nineways down {variant.name}`, "
        f"`nineways up {variant.name}`",
    )
