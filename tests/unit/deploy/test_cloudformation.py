import json
from collections.abc import Callable

import pytest

from deploy.cloudformation import CloudFormation
from deploy.errors import DeclinedError, StackError, TemplateError
from deploy.stack_states import Change, ChangeSet, StackEvent
from deploy.templates import MAX_TEMPLATE_BYTES
from tests.unit.deploy.cloudformation_in_memory import CloudFormationInMemory

Stacks = Callable[..., CloudFormation]

NAME = "nineways-ec2-eip"
TAGS = {"project": "nineways", "variant": "ec2_eip", "run": "first"}


def template(outputs: dict[str, str] | None = None, **resources: dict[str, str]) -> str:
    return json.dumps({"Resources": resources, "Outputs": outputs or {}})


FINE = template({"Url": "http://here"}, Queue={"Type": "Test::Fine"})


def test_a_new_stack_is_made_and_its_outputs_can_be_read(stacks: Stacks) -> None:
    cloudformation = stacks()

    changed = cloudformation.deploy(NAME, FINE, {"Port": "80"}, TAGS)

    stack = cloudformation.find(NAME)
    assert changed
    assert stack
    assert stack.is_up
    assert (stack.outputs, stack.tags) == ({"Url": "http://here"}, TAGS)


def test_deploying_the_same_again_does_nothing_and_leaves_nothing(
    stacks: Stacks, memory: CloudFormationInMemory, told: list[object]
) -> None:
    cloudformation = stacks()
    cloudformation.deploy(NAME, FINE, {"Port": "80"}, TAGS)
    told.clear()

    changed = cloudformation.deploy(NAME, FINE, {"Port": "80"}, TAGS)

    assert not changed
    assert told == []
    assert memory.change_sets == {}


def test_the_run_that_made_a_stack_stays_on_its_tags(stacks: Stacks) -> None:
    cloudformation = stacks()
    cloudformation.deploy(NAME, FINE, {"Port": "80"}, TAGS)

    cloudformation.deploy(NAME, FINE, {"Port": "81"}, {**TAGS, "run": "second"})

    stack = cloudformation.find(NAME)
    assert stack
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.tags["run"] == "first"


def test_every_event_is_told_once_and_in_order(stacks: Stacks, told: list[object]) -> None:
    stacks().deploy(NAME, FINE, {}, TAGS)

    assert [
        (event.logical_id, event.status) for event in told if isinstance(event, StackEvent)
    ] == [
        (NAME, "CREATE_IN_PROGRESS"),
        ("Queue", "CREATE_IN_PROGRESS"),
        ("Queue", "CREATE_COMPLETE"),
        (NAME, "CREATE_COMPLETE"),
    ]


def test_events_of_an_earlier_deployment_are_not_told_again(
    stacks: Stacks, told: list[object]
) -> None:
    cloudformation = stacks()
    cloudformation.deploy(NAME, FINE, {}, TAGS)
    told.clear()

    cloudformation.deploy(NAME, FINE, {"Port": "81"}, TAGS)

    statuses = {event.status for event in told if isinstance(event, StackEvent)}
    assert statuses == {"UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"}


def test_the_change_set_is_reviewed_before_anything_happens(
    stacks: Stacks, told: list[object]
) -> None:
    reviewed: list[tuple[ChangeSet, int]] = []

    stacks(lambda change_set: reviewed.append((change_set, len(told)))).deploy(NAME, FINE, {}, TAGS)

    changes = (Change("Add", "Queue", "Test::Fine", ""),)
    assert reviewed == [(ChangeSet(NAME, creates=True, changes=changes), 0)]


@pytest.mark.parametrize("answer", [DeclinedError("no"), KeyboardInterrupt()], ids=["no", "Ctrl-C"])
def test_a_refused_creation_leaves_nothing_behind(
    stacks: Stacks, memory: CloudFormationInMemory, answer: BaseException
) -> None:
    def refuse(_: ChangeSet) -> None:
        raise answer

    with pytest.raises(type(answer)):
        stacks(refuse).deploy(NAME, FINE, {}, TAGS)

    assert memory.stacks == {}
    assert memory.change_sets == {}


def test_a_refused_update_leaves_the_stack_as_it_was(
    stacks: Stacks, memory: CloudFormationInMemory
) -> None:
    def refuse(_: ChangeSet) -> None:
        raise DeclinedError("no")

    stacks().deploy(NAME, FINE, {"Port": "80"}, TAGS)

    with pytest.raises(DeclinedError):
        stacks(refuse).deploy(NAME, FINE, {"Port": "81"}, TAGS)

    (stack,) = memory.stacks.values()
    assert (stack.status, stack.parameters) == ("CREATE_COMPLETE", {"Port": "80"})
    assert memory.change_sets == {}


def test_a_failed_creation_names_the_first_resource_that_failed_and_a_cure(stacks: Stacks) -> None:
    broken = template(
        Queue={"Type": "Test::Fine"},
        Address={
            "Type": "Test::Fails",
            "Because": "The maximum number of addresses has been reached.",
        },
        Instance={"Type": "Test::Fine"},
    )

    with pytest.raises(StackError, match="nineways-ec2-eip ended in ROLLBACK_COMPLETE") as caught:
        stacks().deploy(NAME, broken, {}, TAGS)

    assert caught.value.cause == (
        "Address (Test::Fails): The maximum number of addresses has been reached."
    )
    assert "release an Elastic IP" in caught.value.remedy


def test_a_failed_update_ends_as_it_was_and_says_so(stacks: Stacks) -> None:
    cloudformation = stacks()
    cloudformation.deploy(NAME, FINE, {}, TAGS)
    broken = template(Queue={"Type": "Test::Fails", "Because": "No such size"})

    with pytest.raises(StackError, match="UPDATE_ROLLBACK_COMPLETE"):
        cloudformation.deploy(NAME, broken, {}, TAGS)


def test_a_stack_that_never_stood_is_made_anew_after_saying_so(
    stacks: Stacks, memory: CloudFormationInMemory, told: list[object]
) -> None:
    memory.stand(NAME, "ROLLBACK_COMPLETE")

    assert stacks().deploy(NAME, FINE, {}, TAGS)

    assert "deleting it to start anew" in str(told[0])
    assert [s.status for s in memory.stacks.values()] == ["DELETE_COMPLETE", "CREATE_COMPLETE"]


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        ("REVIEW_IN_PROGRESS", "nineways down ec2-eip"),
        ("CREATE_FAILED", "nineways down ec2-eip"),
        ("ROLLBACK_FAILED", "nineways down ec2-eip"),
        ("DELETE_FAILED", "remove what holds it"),
        ("UPDATE_FAILED", "nineways down ec2-eip"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name nineways-ec2-eip"),
        ("UPDATE_IN_PROGRESS", "wait until"),
        ("DELETE_IN_PROGRESS", "wait until"),
    ],
)
def test_a_stack_in_a_failed_state_is_left_alone_and_the_error_says_what_to_do(
    stacks: Stacks, memory: CloudFormationInMemory, status: str, cure: str
) -> None:
    memory.stand(NAME, status)

    with pytest.raises(StackError, match=status) as caught:
        stacks().deploy(NAME, FINE, {}, TAGS)

    assert cure in caught.value.remedy
    assert [stack.status for stack in memory.stacks.values()] == [status]


def test_a_template_that_cloudformation_cannot_read_leaves_nothing(
    stacks: Stacks, memory: CloudFormationInMemory
) -> None:
    with pytest.raises(TemplateError) as caught:
        stacks().deploy(NAME, "nonsense", {}, TAGS)

    assert caught.value.cause == "Template format error"
    assert memory.stacks == {}


def test_a_change_that_cloudformation_cannot_make_leaves_nothing(
    stacks: Stacks, memory: CloudFormationInMemory
) -> None:
    impossible = json.dumps({"Resources": {}, "Impossible": "No export named X found"})

    with pytest.raises(TemplateError) as caught:
        stacks().deploy(NAME, impossible, {}, TAGS)

    assert caught.value.cause == "No export named X found"
    assert memory.stacks == {}


def test_a_template_that_is_too_large_is_refused_here(
    stacks: Stacks, memory: CloudFormationInMemory
) -> None:
    with pytest.raises(TemplateError, match=r"51,201 bytes; CloudFormation takes 51,200"):
        stacks().deploy(NAME, f"A: {'x' * (MAX_TEMPLATE_BYTES - 2)}", {}, TAGS)

    assert memory.stacks == {}


def test_deletion_waits_until_the_stack_is_gone(stacks: Stacks, told: list[object]) -> None:
    cloudformation = stacks()
    cloudformation.deploy(NAME, FINE, {}, TAGS)

    assert cloudformation.delete(NAME)

    assert cloudformation.find(NAME) is None
    assert "DELETE_COMPLETE" in str(told[-1])


def test_deleting_what_is_not_there_is_done_at_once(stacks: Stacks) -> None:
    assert not stacks().delete(NAME)


def test_a_deletion_that_fails_names_what_holds_it(stacks: Stacks) -> None:
    cloudformation = stacks()
    cloudformation.deploy(NAME, template(Bucket={"Type": "Test::Sticks"}), {}, TAGS)

    with pytest.raises(StackError, match="DELETE_FAILED") as caught:
        cloudformation.delete(NAME)

    assert caught.value.cause.startswith("Bucket (Test::Sticks)")
    assert "empty it by hand" in caught.value.remedy


def test_only_our_stacks_are_listed(stacks: Stacks, memory: CloudFormationInMemory) -> None:
    memory.stand("nineways-foundation")
    memory.stand("somebody-elses")
    memory.stand("nineways-gone", "DELETE_COMPLETE")

    assert [stack.name for stack in stacks().standing("nineways-")] == ["nineways-foundation"]
