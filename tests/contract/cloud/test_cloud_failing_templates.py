"""A first boot or a first task that fails: each variant's stack is rolled back and says why."""

from collections.abc import Mapping

import pytest

from tests.contract.cloud.conftest import Agents, Cloud, signalling
from tests.contract.cloud.test_cloud_templates import begun, known

__all__ = ["known"]

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("agents")]


def nothing_is_left(cloud: Cloud, name: str) -> bool:
    state = cloud.state()
    things = [*state["load_balancers"], *state["auto_scaling_groups"], *state["addresses"]]
    return not [one for one in things if name in str(one)] and not [
        one
        for one in state["instances"]
        if one["tags"].get("aws:cloudformation:stack-name") == name and one["state"] == "running"
    ]


@pytest.mark.parametrize(
    ("slug", "culprit"),
    [("ec2_eip", "ActiveInstance"), ("ec2_route53", "FirstInstance"), ("alb_asg", "Group")],
)
def test_instances_that_cannot_boot_roll_the_stack_back(
    cloud: Cloud, known: Mapping[str, str], slug: str, culprit: str
) -> None:
    name = begun(cloud, slug, known)

    with signalling(cloud, name, "FAILURE"):
        stack = cloud.finished(name)

    assert stack.status == "ROLLBACK_COMPLETE"
    reasons = cloud.reasons(name)
    assert any(reason.startswith(f"{culprit}: ") and "FAILURE" in reason for reason in reasons)
    assert nothing_is_left(cloud, name)
    assert cloud.deleted(name) == "DELETE_COMPLETE"


@pytest.mark.parametrize("slug", ["alb_ecs_ec2", "alb_ecs_fargate"])
def test_tasks_that_crash_roll_the_stack_back(
    cloud: Cloud, known: Mapping[str, str], slug: str
) -> None:
    name = begun(cloud, slug, {**known, "ImageUri": f"{Agents.CRASHING}:abc"})

    stack = cloud.finished(name)

    assert stack.status == "ROLLBACK_COMPLETE"
    reasons = cloud.reasons(name)
    assert any("Service: " in reason and "ircuit" in reason for reason in reasons), reasons
    assert nothing_is_left(cloud, name)
    assert cloud.deleted(name) == "DELETE_COMPLETE"
