"""CloudFormation as we use it: change sets, live events, outputs, deletion.

Everything that waits tells the events as they come. A stack that comes to rest elsewhere than
wanted raises a `StackError` with the first resource that failed and why.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from botocore.exceptions import ClientError

from deploy.errors import TemplateError
from deploy.stack_states import (
    NEVER_STOOD,
    Change,
    ChangeSet,
    StackEvent,
    StandingStack,
    failed,
    refuse_if_stuck,
)
from deploy.templates import MAX_TEMPLATE_BYTES, sendable
from deploy.waiting import Patience

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

# Longer than any of our stacks takes; CloudFormation's own time-outs come first.
REST_TIMEOUT_S = 3_600


@dataclass(frozen=True)
class CloudFormation:
    """The stacks of one account and region.

    `review` sees each change set before it is executed; what it raises calls the change off.
    """

    client: "CloudFormationClient"
    tell: Callable[[StackEvent], None]
    patience: Patience
    review: Callable[[ChangeSet], None] = field(default=lambda _: None)

    def find(self, name: str) -> StandingStack | None:
        """Describe the stack of that name (or id), or None."""
        try:
            found = self.client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            # CloudFormation has no code of its own for this: the message of a
            # ValidationError is the only way to tell.
            if "does not exist" in str(error):
                return None
            raise
        return _standing(found[0])

    def standing(self, prefix: str) -> list[StandingStack]:
        """Describe every stack whose name starts with the prefix."""
        pages = self.client.get_paginator("describe_stacks").paginate()
        stacks = (_standing(stack) for page in pages for stack in page["Stacks"])
        return [stack for stack in stacks if stack.name.startswith(prefix)]

    def deploy(
        self, name: str, template: str, parameters: Mapping[str, str], tags: Mapping[str, str]
    ) -> bool:
        """Create or update the stack and wait until it is there; say whether anything changed."""
        before = self.find(name)
        if before and before.status in NEVER_STOOD:
            self.tell(
                _remark(name, before.status, "its creation failed; deleting it to start anew")
            )
            self.delete(name)
            before = None
        if before:
            refuse_if_stuck(before)
            # Who created the stack stays on it: a new run id alone would be a change.
            tags = {**tags, "run": before.tags.get("run", tags["run"])}
        with self._proposed(name, template, parameters, tags, creates=before is None) as proposed:
            if proposed is None:
                return False
            stack_id, change_set_id, change_set = proposed
            self.review(change_set)
            seen = {event["EventId"] for event in self._events(stack_id)}
            self.client.execute_change_set(ChangeSetName=change_set_id)
        self._follow(name, stack_id, seen, until={"CREATE_COMPLETE", "UPDATE_COMPLETE"})
        return True

    def delete(self, name: str) -> bool:
        """Delete the stack and wait until it is gone; say whether there was one."""
        before = self.find(name)
        if before is None:
            return False
        seen = {event["EventId"] for event in self._events(before.id)}
        self.client.delete_stack(StackName=before.id)
        self._follow(name, before.id, seen, until={"DELETE_COMPLETE"})
        return True

    @contextmanager
    def _proposed(
        self,
        name: str,
        template: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        *,
        creates: bool,
    ) -> Iterator[tuple[str, str, ChangeSet] | None]:
        """Make a change set. Unless the block ends well, nothing of it remains."""
        template = sendable(template)
        if (size := len(template.encode())) > MAX_TEMPLATE_BYTES:
            raise TemplateError(
                f"the template of {name} has {size:,} bytes; "
                f"CloudFormation takes {MAX_TEMPLATE_BYTES:,}",
                remedy="move what others could share into a stack of its own",
            )
        try:
            made = self.client.create_change_set(
                StackName=name,
                ChangeSetName=f"nineways-{uuid4().hex[:12]}",
                ChangeSetType="CREATE" if creates else "UPDATE",
                TemplateBody=template,
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value}
                    for key, value in parameters.items()
                ],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                Capabilities=["CAPABILITY_IAM"],
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise _not_taken(name, error.response["Error"]["Message"]) from error
        stack_id, change_set_id = made["StackId"], made["Id"]
        try:
            changes = self._changes(name, change_set_id)
            if changes is None:
                self._discard(stack_id, change_set_id, creates=creates)
                yield None
            else:
                yield stack_id, change_set_id, ChangeSet(name, creates, changes)
        except BaseException:
            self._discard(stack_id, change_set_id, creates=creates)
            raise

    def _changes(self, name: str, change_set_id: str) -> tuple[Change, ...] | None:
        """Wait for the change set and read it; None when there is nothing to change."""
        self.patience.until(
            lambda: (
                self.client.describe_change_set(ChangeSetName=change_set_id)["Status"]
                in {"CREATE_COMPLETE", "FAILED"}
            ),
            what=f"the change set of {name}",
            timeout_s=REST_TIMEOUT_S,
        )
        pages = list(
            self.client.get_paginator("describe_change_set").paginate(ChangeSetName=change_set_id)
        )
        if pages[0]["Status"] == "FAILED":
            reason = pages[0].get("StatusReason", "")
            # "No changes" has no code either, and two wordings.
            if "didn't contain changes" in reason or "No updates are to be" in reason:
                return None
            raise TemplateError(f"CloudFormation cannot change {name} that way", cause=reason)
        resources = [change["ResourceChange"] for page in pages for change in page["Changes"]]
        return tuple(
            Change(
                resource["Action"],
                resource["LogicalResourceId"],
                resource["ResourceType"],
                resource.get("Replacement", ""),
            )
            for resource in resources
        )

    def _discard(self, stack_id: str, change_set_id: str, *, creates: bool) -> None:
        self.client.delete_change_set(ChangeSetName=change_set_id)
        if creates:
            # The change set made an empty stack, in REVIEW_IN_PROGRESS, to hold it.
            self.client.delete_stack(StackName=stack_id)

    def _follow(self, name: str, stack_id: str, seen: set[str], *, until: set[str]) -> None:
        """Tell new events until the stack comes to rest."""
        told: list[StackEvent] = []
        rest = ""

        def at_rest() -> bool:
            nonlocal rest
            new = [event for event in self._events(stack_id) if event["EventId"] not in seen]
            for event in reversed(new):
                seen.add(event["EventId"])
                told.append(_event(event))
                self.tell(told[-1])
                if event.get("PhysicalResourceId") == stack_id:
                    rest = told[-1].status
            return bool(rest) and not rest.endswith("_IN_PROGRESS")

        self.patience.until(at_rest, what=f"stack {name} to come to rest", timeout_s=REST_TIMEOUT_S)
        if rest not in until:
            raise failed(name, rest, told)

    def _events(self, stack_id: str) -> list["StackEventTypeDef"]:
        """All events, newest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        return [event for page in pages for event in page["StackEvents"]]


def _standing(stack: "StackTypeDef") -> StandingStack:
    return StandingStack(
        name=stack["StackName"],
        id=stack.get("StackId", stack["StackName"]),
        status=stack["StackStatus"],
        outputs={
            output["OutputKey"]: output["OutputValue"]
            for output in stack.get("Outputs", [])
            if "OutputKey" in output and "OutputValue" in output
        },
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])},
    )


def _event(event: "StackEventTypeDef") -> StackEvent:
    return StackEvent(
        stack=event["StackName"],
        logical_id=event.get("LogicalResourceId", ""),
        resource_type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason", ""),
    )


def _remark(stack: str, status: str, reason: str) -> StackEvent:
    return StackEvent(stack, stack, "AWS::CloudFormation::Stack", status, reason)


def _not_taken(stack: str, cause: str) -> TemplateError:
    """Say what CloudFormation would not take: a parameter's value, or all of it."""
    # CloudFormation has one code for both; only its sentence names the parameter.
    if cause.startswith("Parameter "):
        return TemplateError(
            f"CloudFormation does not take the value of a parameter of {stack}",
            cause=cause,
            remedy="give it another one by --set NAME=VALUE, or leave it out to have the default",
        )
    return TemplateError(f"CloudFormation does not take the template of {stack}", cause=cause)
