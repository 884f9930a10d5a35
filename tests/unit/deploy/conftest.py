from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from deploy.account import AccountPlace
from deploy.artifacts import AWS_TARGET, Built
from deploy.clients import Clients
from deploy.cloudformation import CloudFormation
from deploy.model import Artifact
from deploy.stack_states import ChangeSet
from deploy.waiting import Patience
from tests.unit.deploy.clock import Clock
from tests.unit.deploy.cloudformation_in_memory import CloudFormationInMemory
from tests.unit.deploy.ec2_in_memory import EC2InMemory
from tests.unit.deploy.s3_in_memory import S3InMemory

if TYPE_CHECKING:
    from boto3.session import Session
    from types_boto3_lambda import LambdaClient
    from types_boto3_sqs import SQSClient


@pytest.fixture
def told() -> list[object]:
    """What the place said, sentence by sentence and event by event."""
    return []


@pytest.fixture
def patience() -> Patience:
    clock = Clock()
    return Patience(every_s=1, sleep=clock.sleep, clock=clock.now)


@pytest.fixture
def memory() -> CloudFormationInMemory:
    return CloudFormationInMemory()


Stacks = Callable[..., CloudFormation]


@pytest.fixture
def stacks(
    memory: CloudFormationInMemory, told: list[object], patience: Patience
) -> Callable[..., CloudFormation]:
    """Our CloudFormation over the one in memory; may be given a review."""

    def make(review: Callable[[ChangeSet], None] = lambda _: None) -> CloudFormation:
        return CloudFormation(memory.client, told.append, patience, review)

    return make


@pytest.fixture
def s3() -> S3InMemory:
    return S3InMemory({"the-bucket": {}})


@pytest.fixture
def ec2() -> EC2InMemory:
    return EC2InMemory()


@pytest.fixture
def place(  # noqa: PLR0913, PLR0917  what a place is made of
    tmp_path: Path,
    stacks: Stacks,
    s3: S3InMemory,
    ec2: EC2InMemory,
    told: list[object],
    patience: Patience,
) -> AccountPlace:
    """A place over everything in memory."""

    def make(artifact: Artifact) -> Built:
        path = tmp_path / f"{artifact}-abc123.bin"
        path.write_bytes(b"content")
        return Built(artifact, path, "abc123", AWS_TARGET, compiled=False, fresh=True, size_bytes=7)

    return AccountPlace(
        name="lab",
        clients=Clients(cast("Session", None)),
        cloudformation=stacks(),
        s3=s3.client,
        ec2=ec2.client,
        # For the comparison's eyes only; no verb of a place uses them.
        sqs=cast("SQSClient", None),
        lambda_=cast("LambdaClient", None),
        settings={"HttpPort": "8080"},
        make=make,
        publish_image=lambda built: f"registry/service:{built.digest}",
        reach=lambda url: url.replace("https://api.example", "http://127.0.0.1:9"),
        tell=told.append,
        patience=patience,
        run="run-1",
    )
