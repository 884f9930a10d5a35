from dataclasses import replace
from itertools import chain
from random import Random

import pytest

from deploy.catalog import VARIANTS
from deploy.model import FOUNDATION, DeleteStack, Plan, SideBySide, Variant
from deploy.plan import bring_up, describe, lines, take_down
from tests.unit.deploy.variants import ONE, OTHER


def deleted(plan: Plan) -> list[str]:
    """The stacks that a plan deletes, those side by side included."""
    inside = chain.from_iterable(
        chain.from_iterable(step.plans) if isinstance(step, SideBySide) else (step,)
        for step in plan
    )
    return [step.name for step in inside if isinstance(step, DeleteStack)]


def test_bringing_one_up_reads_like_a_list() -> None:
    assert [describe(step) for step in bring_up(ONE)] == [
        "deploy stack nineways-foundation from foundation/template.yaml",
        "build the bundle",
        "publish the bundle",
        "deploy stack nineways-one from one/template.yaml with Fixed=as it is",
        "wait until nineways-one.Url is healthy",
    ]


def test_several_share_the_foundation_and_go_up_side_by_side() -> None:
    assert list(lines(bring_up(ONE, OTHER))) == [
        "1. deploy stack nineways-foundation from foundation/template.yaml",
        "2. build the bundle",
        "3. build the image",
        "4. publish the bundle",
        "5. publish the image",
        "6. side by side, 2 variants",
        "   a1. deploy stack nineways-one from one/template.yaml with Fixed=as it is",
        "   a2. wait until nineways-one.Url is healthy",
        "   b1. deploy stack nineways-other from other/template.yaml with Fixed=as it is",
        "   b2. wait until nineways-other.Url is healthy",
    ]


def test_a_packaging_that_two_share_is_made_once() -> None:
    steps = [describe(step) for step in bring_up(ONE, ONE)]

    assert steps.count("build the bundle") == 1


def test_taking_one_down_leaves_the_foundation_to_the_others() -> None:
    standing = {FOUNDATION.name, "nineways-one", "nineways-other"}

    assert [describe(step) for step in take_down([ONE], standing=standing)] == [
        "delete stack nineways-one"
    ]


def test_with_the_last_variant_goes_the_foundation() -> None:
    standing = {FOUNDATION.name, "nineways-one"}

    assert [describe(step) for step in take_down([ONE], standing=standing)] == [
        "delete stack nineways-one",
        "empty nineways-foundation.BucketName",
        "delete stack nineways-foundation",
    ]


def test_a_stack_of_ours_that_is_no_variant_keeps_the_foundation_too() -> None:
    standing = {FOUNDATION.name, "nineways-one", "nineways-load-generator"}

    assert deleted(take_down([ONE], standing=standing)) == ["nineways-one"]


def test_a_bucket_is_emptied_before_its_stack_goes() -> None:
    (stack,) = ONE.stacks
    with_bucket = replace(ONE, stacks=(replace(stack, buckets=("ObjectsName",)),))
    standing = {FOUNDATION.name, "nineways-one", "nineways-other"}

    assert [describe(step) for step in take_down([with_bucket], standing=standing)] == [
        "empty nineways-one.ObjectsName",
        "delete stack nineways-one",
    ]


def test_a_foundation_left_alone_is_removed() -> None:
    assert deleted(take_down([ONE, OTHER], standing={FOUNDATION.name})) == [FOUNDATION.name]


def test_where_nothing_stands_there_is_nothing_to_do() -> None:
    assert take_down([ONE, OTHER], standing=set()) == ()


# All orders of nine would be 362,880.
@pytest.mark.parametrize("seed", range(100))
def test_one_after_the_other_in_any_order_everything_goes(seed: int) -> None:
    order: list[Variant] = Random(seed).sample(VARIANTS, len(VARIANTS))  # noqa: S311 - no secret
    standing = {FOUNDATION.name, *(stack.name for v in VARIANTS for stack in v.stacks)}

    for variant in order:
        standing -= set(deleted(take_down([variant], standing=standing)))

    assert standing == set()
