"""Carry out a plan on a place: one loop that has nothing to decide."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Protocol, TypeAlias, assert_never

from deploy.errors import NinewaysError, SeveralFailedError
from deploy.model import (
    Artifact,
    BuildArtifact,
    DeleteStack,
    DeployStack,
    EmptyBucket,
    Output,
    PlaceSetting,
    Plan,
    PublishArtifact,
    Published,
    SideBySide,
    Stack,
    Step,
    Value,
    WaitUntilHealthy,
)
from deploy.threads import Job, Outcomes, run_side_by_side


class Place(Protocol):
    """Where stacks stand: an AWS account, or a lab on this machine.

    Every verb returns when it is done, does nothing when there is nothing to do, and raises a
    `NinewaysError` when it failed.
    """

    def build(self, artifact: Artifact) -> None:
        """Make the packaging for what runs here, or find it already made."""

    def publish(self, artifact: Artifact) -> None:
        """Put it where the stacks of this place can fetch it."""

    def published(self, ref: Published) -> str:
        """Say where a published artifact is."""
        ...

    def setting(self, name: PlaceSetting) -> str:
        """Give a value that only the place knows."""
        ...

    def deploy(self, stack: Stack, parameters: Mapping[str, str]) -> None:
        """Create or update the stack."""

    def empty(self, bucket: Output) -> None:
        """Delete what lies in the bucket of that stack, if it has one; see `EmptyBucket`."""

    def delete(self, stack_name: str) -> None:
        """Delete the stack."""

    def output(self, output: Output) -> str:
        """Read an output of a stack that stands."""
        ...

    def url(self, output: Output) -> str:
        """Read an output that is a URL, as it is reached from here."""
        ...

    def wait_until_healthy(self, url: str) -> None:
        """Wait until the service answers /readyz with 200."""


Around: TypeAlias = Callable[[Step], AbstractContextManager[object]]
Together: TypeAlias = Callable[[Sequence[Job]], Outcomes]


def carry_out(
    plan: Plan, place: Place, *, around: Around = nullcontext, together: Together = run_side_by_side
) -> None:
    """Do each step in turn.

    Args:
        plan: What to do.
        place: Where.
        around: Entered for each step, which is how progress is shown.
        together: Runs what may be done side by side.
    """
    for step in plan:
        with around(step):
            match step:
                case BuildArtifact(artifact):
                    place.build(artifact)
                case PublishArtifact(artifact):
                    place.publish(artifact)
                case DeployStack(stack):
                    known = {key: look_up(value, place) for key, value in stack.parameters.items()}
                    place.deploy(stack, known)
                case EmptyBucket(bucket):
                    place.empty(bucket)
                case DeleteStack(name):
                    place.delete(name)
                case WaitUntilHealthy(url):
                    place.wait_until_healthy(place.url(url))
                case SideBySide(plans):
                    _carry_out_all(plans, place, around, together)
                case _:
                    assert_never(step)


def look_up(value: Value, place: Place) -> str:
    """Turn a parameter's value into the text that CloudFormation gets."""
    match value:
        case str():
            return value
        case Output():
            return place.output(value)
        case Published():
            return place.published(value)
        case PlaceSetting():
            return place.setting(value)
        case _:
            assert_never(value)


def _carry_out_all(
    plans: tuple[Plan, ...], place: Place, around: Around, together: Together
) -> None:
    """One that fails does not stop the others: what they began is finished."""
    jobs = [partial(carry_out, plan, place, around=around) for plan in plans]
    failures = [error for error in together(jobs) if error is not None]
    for failure in failures:
        if not isinstance(failure, NinewaysError):
            raise failure
    match failures:
        case []:
            return
        case [only]:
            raise only
        case several:
            raise SeveralFailedError(several)
