"""From variants to plans: pure, so that a plan can be read and tested before it costs anything."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from itertools import chain
from string import ascii_lowercase
from typing import assert_never

from deploy.model import (
    FOUNDATION,
    BuildArtifact,
    DeleteStack,
    DeployStack,
    EmptyBucket,
    Output,
    Plan,
    PublishArtifact,
    SideBySide,
    Stack,
    Step,
    Variant,
    WaitUntilHealthy,
)


def bring_up(*variants: Variant) -> Plan:
    """Lay the foundation, package, deploy each variant's stacks in order, wait for an answer.

    The foundation is always part of it: deploying a stack that is as it should be does nothing.
    """
    artifacts = tuple(dict.fromkeys(chain.from_iterable(it.artifacts for it in variants)))
    return (
        DeployStack(FOUNDATION),
        *(BuildArtifact(artifact) for artifact in artifacts),
        *(PublishArtifact(artifact) for artifact in artifacts),
        *_side_by_side(
            (*(DeployStack(stack) for stack in variant.stacks), WaitUntilHealthy(variant.url))
            for variant in variants
        ),
    )


def take_down(variants: Iterable[Variant], *, standing: AbstractSet[str]) -> Plan:
    """Delete what stands of these variants; after the last of all, the foundation too.

    Args:
        variants: Those to take down.
        standing: The names of every stack of ours that stands in the place.
    """
    ours = [
        [stack for stack in reversed(variant.stacks) if stack.name in standing]
        for variant in variants
    ]
    remaining = standing - {stack.name for stack in chain.from_iterable(ours)}
    return (
        *_side_by_side(_delete(stacks) for stacks in ours if stacks),
        *(_remove_foundation() if remaining == {FOUNDATION.name} else ()),
    )


def _delete(stacks: Iterable[Stack]) -> Plan:
    steps: list[Step] = []
    for stack in stacks:
        steps += (EmptyBucket(Output(stack.name, key)) for key in stack.buckets)
        steps.append(DeleteStack(stack.name))
    return tuple(steps)


def _remove_foundation() -> Plan:
    return (EmptyBucket(Output(FOUNDATION.name, "BucketName")), DeleteStack(FOUNDATION.name))


def _side_by_side(plans: Iterable[Plan]) -> Plan:
    match tuple(plans):
        case (only,):
            return only
        case ():
            return ()
        case several:
            return (SideBySide(several),)


def describe(step: Step) -> str:  # noqa: PLR0911  one for each step
    """Say in a few words what a step does.

    >>> describe(DeleteStack("nineways-ec2-eip"))
    'delete stack nineways-ec2-eip'
    """
    match step:
        case BuildArtifact(artifact):
            return f"build the {artifact.value}"
        case PublishArtifact(artifact):
            return f"publish the {artifact.value}"
        case DeployStack(stack):
            given = [f"{key}={it}" for key, it in stack.parameters.items() if isinstance(it, str)]
            with_ = f" with {', '.join(given)}" if given else ""
            return f"deploy stack {stack.name} from {stack.template}{with_}"
        case EmptyBucket(bucket):
            return f"empty {bucket.stack}.{bucket.key}"
        case DeleteStack(name):
            return f"delete stack {name}"
        case WaitUntilHealthy(url):
            return f"wait until {url.stack}.{url.key} is healthy"
        case SideBySide(plans):
            return f"side by side, {len(plans)} variants"
        case _:
            assert_never(step)


def lines(plan: Plan, *, indent: str = "") -> Iterator[str]:
    """Write the plan as a numbered list; what runs side by side is indented."""
    for number, step in enumerate(plan, start=1):
        yield f"{indent}{number}. {describe(step)}"
        if isinstance(step, SideBySide):
            for letter, part in zip(ascii_lowercase, step.plans, strict=False):
                yield from lines(part, indent=f"{indent}   {letter}")
