"""What our CloudFormation relies on, asked of MiniStack as it comes.

When its pin is raised, a failure here says which promise the new version no longer keeps.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
from boto3.session import Session

from deploy import probe
from deploy.clients import Clients
from deploy.cloudformation import CloudFormation
from deploy.errors import DeclinedError, StackError, TemplateError
from deploy.stack_states import ChangeSet, StackEvent
from deploy.waiting import Patience

pytestmark = pytest.mark.lab

TAGS = {"project": "nineways", "variant": "test", "run": "first"}
QUEUE = """
Parameters:
  Visibility: {Type: Number, Default: 30}
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: !Ref Visibility}}
Outputs:
  Url: {Value: !Ref Queue}
"""
NEVER_SIGNALLED = """
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Boot:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: Queue
    Properties: {Handle: !Ref Handle, Timeout: "1"}
"""


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0"}
    folder = tmp_path_factory.mktemp("ministack")
    log = (folder / "log").open("wb")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            cwd=folder,
            env={**os.environ, **settings, "SFTP_ENABLED": "0"},
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        try:
            Patience(every_s=0.05).until(
                lambda: probe.get(f"{url}/_ministack/health")[0] > 0,
                what="MiniStack to answer",
                timeout_s=30,
            )
            yield Clients(Session("test", "test", region_name="us-east-1"), url)
        finally:
            process.terminate()


@pytest.fixture
def told() -> list[StackEvent]:
    return []


@pytest.fixture
def stacks(clients: Clients, told: list[StackEvent]) -> CloudFormation:
    def tell(event: object) -> None:
        assert isinstance(event, StackEvent)
        told.append(event)

    return CloudFormation(clients.cloudformation, tell, Patience(every_s=0.05))


@pytest.fixture
def name() -> str:
    return f"nineways-{uuid4().hex[:8]}"


def test_a_stack_is_made_updated_left_alone_and_deleted(
    stacks: CloudFormation, told: list[StackEvent], name: str
) -> None:
    assert stacks.deploy(name, QUEUE, {}, TAGS)
    made = stacks.find(name)
    assert made
    assert (made.status, made.tags) == ("CREATE_COMPLETE", TAGS)
    assert made.outputs["Url"].startswith("http")

    assert not stacks.deploy(name, QUEUE, {}, {**TAGS, "run": "second"})

    assert stacks.deploy(name, QUEUE, {"Visibility": "60"}, {**TAGS, "run": "third"})
    updated = stacks.find(name)
    assert updated
    assert (updated.status, updated.tags) == ("UPDATE_COMPLETE", TAGS)

    assert stacks.delete(name)
    assert stacks.find(name) is None
    assert (told[0].status, told[-1].status) == ("CREATE_IN_PROGRESS", "DELETE_COMPLETE")


def test_a_failed_creation_is_rolled_back_named_and_made_anew(
    stacks: CloudFormation, name: str
) -> None:
    with pytest.raises(StackError, match="ROLLBACK_COMPLETE") as caught:
        stacks.deploy(name, NEVER_SIGNALLED, {}, TAGS)
    assert caught.value.cause.startswith("Boot (AWS::CloudFormation::WaitCondition)")

    assert stacks.deploy(name, QUEUE, {}, TAGS)

    stacks.delete(name)


def test_a_failed_update_leaves_the_stack_as_it_was(stacks: CloudFormation, name: str) -> None:
    stacks.deploy(name, QUEUE, {}, TAGS)

    with pytest.raises(StackError, match="UPDATE_ROLLBACK_COMPLETE"):
        stacks.deploy(name, NEVER_SIGNALLED, {}, TAGS)

    assert not stacks.deploy(name, QUEUE, {}, TAGS)
    stacks.delete(name)


def test_a_refused_change_set_leaves_no_stack(clients: Clients, name: str) -> None:
    seen: list[ChangeSet] = []

    def refuse(change_set: ChangeSet) -> None:
        seen.append(change_set)
        raise DeclinedError("no")

    stacks = CloudFormation(clients.cloudformation, lambda _: None, Patience(0.05), refuse)

    with pytest.raises(DeclinedError):
        stacks.deploy(name, QUEUE, {}, TAGS)

    assert [(change.action, change.logical_id) for change in seen[0].changes] == [("Add", "Queue")]
    assert stacks.find(name) is None


@pytest.mark.parametrize("template", ["nonsense", "Resources: {R: {Type: AWS::No::Such}}"])
def test_a_template_that_cannot_be_read_leaves_no_stack(
    stacks: CloudFormation, name: str, template: str
) -> None:
    with pytest.raises(TemplateError):
        stacks.deploy(name, template, {}, TAGS)

    assert stacks.find(name) is None


def test_a_value_that_a_parameter_does_not_allow_is_named_and_leaves_no_stack(
    stacks: CloudFormation, name: str
) -> None:
    template = (
        "Parameters: {Size: {Type: String, AllowedPattern: small, "
        "ConstraintDescription: must be small}}\nResources: {Q: {Type: AWS::SQS::Queue}}"
    )

    with pytest.raises(TemplateError, match="the value of a parameter of") as caught:
        stacks.deploy(name, template, {"Size": "large"}, TAGS)

    assert caught.value.cause == "Parameter 'Size' must be small"
    assert "--set" in caught.value.remedy
    assert stacks.find(name) is None
