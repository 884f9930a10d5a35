"""CloudFormation in memory: stacks that go through AWS's states, one event for each look.

A resource of type `Test::Fails` fails with the reason in its `Because` property, on creation; one
of type `Test::Sticks` cannot be deleted.
"""

# boto3's argument names and loose answers are what is imitated here.
# ruff: noqa: ANN401, N803

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

Members = list[dict[str, str]]


@dataclass
class Stack:
    name: str
    id: str
    status: str
    template: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    to_come: deque[tuple[str, str, str]] = field(default_factory=deque)

    @property
    def outputs(self) -> dict[str, str]:
        return {} if self.status.startswith("ROLLBACK") else self.template.get("Outputs", {})


@dataclass
class ChangeSet:
    id: str
    stack: Stack
    creates: bool
    template: dict[str, Any]
    parameters: dict[str, str]
    tags: dict[str, str]

    @property
    def changed(self) -> list[str]:
        old, new = self.stack.template.get("Resources", {}), self.template["Resources"]
        if self.parameters != self.stack.parameters or self.tags != self.stack.tags:
            return list(new)
        return [name for name in {**old, **new} if old.get(name) != new.get(name)]


class CloudFormationInMemory:
    def __init__(self) -> None:
        self.stacks: dict[str, Stack] = {}
        self.change_sets: dict[str, ChangeSet] = {}
        # Whether somebody presses Ctrl-C as soon as something happens.
        self.ctrl_c = False
        self._numbers = count(1)

    @property
    def client(self) -> "CloudFormationClient":
        return cast("CloudFormationClient", self)

    def stand(self, name: str, status: str = "CREATE_COMPLETE", **outputs: str) -> Stack:
        """Put a stack there as if somebody had made it."""
        stack = Stack(name, f"arn:{name}/{next(self._numbers)}", status)
        stack.template = {"Resources": {"R": {"Type": "Test::Fine"}}, "Outputs": outputs}
        self.stacks[stack.id] = stack
        return stack

    # What the client of boto3 offers, as far as we use it.

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        return {"Stacks": [self._describe(self._named(StackName, "DescribeStacks"))]}

    def create_change_set(self, **asked: Any) -> dict[str, str]:
        name, creates = asked["StackName"], asked["ChangeSetType"] == "CREATE"
        try:
            template = json.loads(asked["TemplateBody"])
        except ValueError:
            raise self._refusal("CreateChangeSet", "Template format error") from None
        standing = self._find(name)
        if creates and standing:
            raise self._refusal("CreateChangeSet", f"Stack [{name}] already exists")
        stack = self.stand(name, "REVIEW_IN_PROGRESS") if creates else self._named(name, "")
        if creates:
            stack.template = {}
        made = ChangeSet(
            f"arn:changeSet/{next(self._numbers)}",
            stack,
            creates,
            template,
            {each["ParameterKey"]: each["ParameterValue"] for each in asked["Parameters"]},
            {each["Key"]: each["Value"] for each in asked["Tags"]},
        )
        self.change_sets[made.id] = made
        return {"Id": made.id, "StackId": stack.id}

    def describe_change_set(self, *, ChangeSetName: str) -> dict[str, Any]:
        asked = self.change_sets[ChangeSetName]
        if "Impossible" in asked.template:
            return {"Status": "FAILED", "StatusReason": asked.template["Impossible"]}
        if not asked.changed:
            return {
                "Status": "FAILED",
                "StatusReason": "The submitted information didn't contain changes. Submit "
                "different information to create a change set.",
            }
        changes = [
            {
                "ResourceChange": {
                    "Action": "Add" if asked.creates else "Modify",
                    "LogicalResourceId": name,
                    "ResourceType": asked.template["Resources"][name]["Type"],
                    **({} if asked.creates else {"Replacement": "True"}),
                }
            }
            for name in asked.changed
        ]
        return {"Status": "CREATE_COMPLETE", "Changes": changes}

    def execute_change_set(self, *, ChangeSetName: str) -> None:
        asked = self.change_sets.pop(ChangeSetName)
        stack, verb = asked.stack, "CREATE" if asked.creates else "UPDATE"
        names = asked.changed
        stack.parameters, stack.tags, stack.template = asked.parameters, asked.tags, asked.template
        stack.to_come.append((stack.name, f"{verb}_IN_PROGRESS", ""))
        broken = False
        for name in names:
            resource = stack.template["Resources"][name]
            stack.to_come.append((name, f"{verb}_IN_PROGRESS", ""))
            if broken:
                stack.to_come.append((name, f"{verb}_FAILED", "Resource creation cancelled"))
            elif resource["Type"] == "Test::Fails":
                broken = True
                stack.to_come.append((name, f"{verb}_FAILED", resource["Because"]))
            else:
                stack.to_come.append((name, f"{verb}_COMPLETE", ""))
        undo = "ROLLBACK" if asked.creates else "UPDATE_ROLLBACK"
        if broken:
            stack.to_come.append((stack.name, f"{undo}_IN_PROGRESS", ""))
        stack.to_come.append((stack.name, f"{undo if broken else verb}_COMPLETE", ""))

    def delete_change_set(self, *, ChangeSetName: str) -> None:
        del self.change_sets[ChangeSetName]

    def delete_stack(self, *, StackName: str) -> None:
        stack = self._find(StackName)
        if stack is None:
            return
        if stack.status == "REVIEW_IN_PROGRESS":
            del self.stacks[stack.id]
            return
        stack.to_come.clear()
        stack.to_come.append((stack.name, "DELETE_IN_PROGRESS", ""))
        stuck = False
        for name, resource in stack.template.get("Resources", {}).items():
            sticks = resource["Type"] == "Test::Sticks"
            stuck = stuck or sticks
            why = "The bucket you tried to delete is not empty" if sticks else ""
            stack.to_come.append((name, "DELETE_FAILED" if sticks else "DELETE_COMPLETE", why))
        stack.to_come.append((stack.name, "DELETE_FAILED" if stuck else "DELETE_COMPLETE", ""))

    def get_paginator(self, name: str) -> "_Paginator":
        return _Paginator(self, name)

    # What happens behind it.

    def pages_of_describe_stacks(self) -> Iterator[dict[str, Any]]:
        for stack in self.stacks.values():
            if stack.status != "DELETE_COMPLETE":
                yield {"Stacks": [self._describe(stack)]}

    def pages_of_describe_change_set(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield self.describe_change_set(**asked)

    def pages_of_describe_stack_events(self, *, StackName: str) -> Iterator[dict[str, Any]]:
        stack = self._named(StackName, "DescribeStackEvents")
        if stack.to_come:
            if self.ctrl_c:
                raise KeyboardInterrupt
            self._happen(stack, *stack.to_come.popleft())
        yield {"StackEvents": list(reversed(stack.events))}

    def _happen(self, stack: Stack, logical_id: str, status: str, reason: str) -> None:
        is_stack = logical_id == stack.name
        if is_stack:
            stack.status = status
        resource = stack.template.get("Resources", {}).get(logical_id, {})
        stack.events.append(
            {
                "EventId": str(next(self._numbers)),
                "StackId": stack.id,
                "StackName": stack.name,
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": stack.id if is_stack else logical_id.lower(),
                "ResourceType": resource.get("Type", "AWS::CloudFormation::Stack"),
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
                "Timestamp": datetime.now(UTC),
            }
        )

    def _describe(self, stack: Stack) -> dict[str, Any]:
        return {
            "StackName": stack.name,
            "StackId": stack.id,
            "StackStatus": stack.status,
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in stack.outputs.items()],
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        }

    def _find(self, name: str) -> Stack | None:
        if name in self.stacks:
            return self.stacks[name]
        # A deleted stack is known only by its id.
        alive = (stack for stack in self.stacks.values() if stack.status != "DELETE_COMPLETE")
        return next((stack for stack in alive if stack.name == name), None)

    def _named(self, name: str, operation: str) -> Stack:
        stack = self._find(name)
        if stack is None:
            raise self._refusal(operation, f"Stack with id {name} does not exist")
        return stack

    @staticmethod
    def _refusal(operation: str, message: str) -> ClientError:
        return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)


@dataclass
class _Paginator:
    cloudformation: CloudFormationInMemory
    name: str

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        pages = getattr(self.cloudformation, f"pages_of_{self.name}")
        return cast("Iterator[dict[str, Any]]", pages(**asked))
