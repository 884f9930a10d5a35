"""What a stack's status means for us, and what to do about those that CloudFormation is stuck in.

Statuses: AWS CloudFormation User Guide, "Stack status codes" (read 2026-11).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deploy.errors import StackError


@dataclass(frozen=True)
class StackEvent:
    """One line of what CloudFormation does to a resource."""

    stack: str
    logical_id: str
    resource_type: str
    status: str
    reason: str = ""

    def __str__(self) -> str:
        kind = self.resource_type.removeprefix("AWS::")
        why = f"  {self.reason}" if self.reason else ""
        return f"{self.stack}  {self.status:<20}  {self.logical_id} ({kind}){why}"


@dataclass(frozen=True)
class StandingStack:
    """A stack as CloudFormation describes it."""

    name: str
    id: str
    status: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_up(self) -> bool:
        """Whether it is as it was last asked to be."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


@dataclass(frozen=True)
class Change:
    """What a change set would do to one resource."""

    action: str
    logical_id: str
    resource_type: str
    replacement: str


@dataclass(frozen=True)
class ChangeSet:
    """What would happen to a stack, before it happens."""

    stack: str
    creates: bool
    changes: tuple[Change, ...]


# No resource of these was ever complete: nothing is lost when they are deleted and made anew.
NEVER_STOOD = {"ROLLBACK_COMPLETE"}

_TAKE_DOWN = (
    "take it down and bring it up again: `nineways down {variant}`, `nineways up {variant}`"
)
_REMEDIES = {
    "REVIEW_IN_PROGRESS": "a change set waits for somebody's review: an earlier `up` was stopped "
    "before it was answered. `nineways down {variant}` removes it",
    "CREATE_FAILED": _TAKE_DOWN,
    "ROLLBACK_FAILED": _TAKE_DOWN,
    "DELETE_FAILED": "remove what holds it (the events of the stack name it), then "
    "`nineways down {variant}` again",
    "UPDATE_FAILED": _TAKE_DOWN,
    "UPDATE_ROLLBACK_FAILED": "`aws cloudformation continue-update-rollback --stack-name {stack}`, "
    "or take it down: `nineways down {variant}`",
}

# Part of a reason → what usually helps.
_HINTS = {
    "signal": "its user data failed or took too long: the instance's console output says where "
    "(in the lab: `nineways lab logs`)",
    "circuit breaker": "its tasks did not stay up: their log group says why "
    "(in the lab: `nineways lab logs`)",
    "maximum number of addresses": "release an Elastic IP, or raise the quota L-0263D0A3",
    "limit exceeded": "a quota of the account is reached: take something down, or have it raised",
    "not authorized": "the credentials in use lack that permission",
    "already exists": "something of that name is left from before: delete it, then try again",
    "not empty": "it holds things that we did not make: empty it by hand, then try again",
    "unsupported resource type": "this place does not know that type of resource",
}


def refuse_if_stuck(stack: StandingStack) -> None:
    """Raise a `StackError` with the cure when CloudFormation would not update this stack."""
    words = {"stack": stack.name, "variant": variant_name(stack.name)}
    if remedy := _REMEDIES.get(stack.status):
        raise StackError(
            f"stack {stack.name} is in {stack.status} and cannot be updated",
            remedy=remedy.format(**words),
        )
    if stack.status.endswith("_IN_PROGRESS"):
        raise StackError(
            f"stack {stack.name} is busy: {stack.status}",
            cause="another `nineways` is at it, or one was interrupted and CloudFormation goes on",
            remedy="wait until `nineways status` shows it at rest, then try again",
        )


def first_failure(events: Iterable[StackEvent]) -> StackEvent | None:
    """Find what failed first: the later ones are mostly cancelled because of it."""
    failed = [event for event in events if event.status.endswith("_FAILED")]
    own = [event for event in failed if "cancelled" not in event.reason.lower()]
    return next(iter(own or failed), None)


def failed(stack: str, status: str, events: Iterable[StackEvent]) -> StackError:
    """Make the error of a stack that came to rest where we did not want it."""
    culprit = first_failure(events)
    if culprit is None:
        return StackError(f"stack {stack} ended in {status}")
    cause = f"{culprit.logical_id} ({culprit.resource_type}): {culprit.reason}"
    hint = next((cure for part, cure in _HINTS.items() if part in culprit.reason.lower()), "")
    return StackError(f"stack {stack} ended in {status}", cause=cause, remedy=hint)


def variant_name(stack_name: str) -> str:
    """Say what to type for a stack: nineways-ec2-eip is ec2-eip, and all for the foundation."""
    name = stack_name.removeprefix("nineways-")
    return "all" if name == "foundation" else name
