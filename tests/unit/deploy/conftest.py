from collections.abc import Callable

import pytest

from deploy.cloudformation import CloudFormation
from deploy.stack_states import ChangeSet
from deploy.waiting import Patience
from tests.unit.deploy.clock import Clock
from tests.unit.deploy.cloudformation_in_memory import CloudFormationInMemory


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
