"""The agent as a process: what it asks of the emulator, and what it writes down."""

import json
import signal
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest

from tests.contract.scaling.fake_lab import (
    GROUP_ARN,
    LABEL,
    FakeLab,
    instance,
    running_agent,
    soon,
    target_group,
    task,
)

pytestmark = pytest.mark.lab

REQUESTS = {
    "name": "requests",
    "type": "TargetTrackingScaling",
    "metric": "ALBRequestCountPerTarget",
    "resource_label": LABEL,
    # Nothing that the rates below are a multiple of: rounding up would make it one more.
    "target_value": 700,
}
FAST_CPU = {
    "name": "cpu",
    "metric": "ECSServiceAverageCPUUtilizationHighResolution",
    "target_value": 20,
}


def a_group(*instances: str, desired: int, **rest: object) -> dict[str, Any]:
    members = [
        {"id": one, "lifecycle_state": "InService", "health": "Healthy"} for one in instances
    ]
    return {
        "name": "web",
        "min": 1,
        "max": 3,
        "desired": desired,
        "cooldown_s": 300,
        "warmup_s": 60,
        "instances": members,
        "target_group_arns": [GROUP_ARN],
        "policies": [REQUESTS],
        "warm_pool": None,
        **rest,
    }


def a_service(desired: int, **rest: object) -> dict[str, Any]:
    return {
        "resource_id": "service/c/web",
        "min": 1,
        "max": 3,
        "desired": desired,
        "policies": [{**REQUESTS, "scale_in_cooldown_s": 300}],
        **rest,
    }


def one_instance(lab: FakeLab) -> str:
    """A group of one instance that gets requests."""
    target = f"{lab.addresses.instance(1)}:8080"
    lab.want(
        instances=[instance(1, lab.addresses.instance(1))],
        target_groups=[target_group(target)],
        auto_scaling_groups=[a_group("i-1", desired=1)],
    )
    lab.is_seen(running=("i-1",), healthy=(target,))
    return target


def test_a_lab_with_nothing_to_scale_is_left_alone(lab: FakeLab) -> None:
    with running_agent(lab):
        soon.until(lambda: lab.view()["scaled"] == {}, what="a view", timeout_s=5)
    assert lab.calls == []


def test_requests_above_the_target_make_a_group_larger_and_their_end_smaller(
    lab: FakeLab,
) -> None:
    target = one_instance(lab)
    # A minute's requests at this rate are 1200.
    lab.rates[target] = 20
    with running_agent(lab):
        lab.wait_for_call("web", 2)

        second = f"{lab.addresses.instance(2)}:8080"
        lab.want(
            instances=[instance(n, lab.addresses.instance(n)) for n in (1, 2)],
            target_groups=[target_group(target, second)],
            auto_scaling_groups=[a_group("i-1", "i-2", desired=2)],
        )
        lab.wait_for_line("launch")
        lab.is_seen(running=("i-1", "i-2"), healthy=(target,))
        lab.wait_for_line("provision")
        lab.counts[second] = 0
        lab.is_seen(running=("i-1", "i-2"), healthy=(target, second))
        lab.wait_for_line("healthy")
        lab.rates.update({target: 10, second: 10})
        lab.wait_for_line("first-request")

        lab.rates.update({target: 0, second: 0})
        seen = len(lab.lines("metric"))
        lab.wait_for_call("web", 1)
        assert len(lab.lines("metric")) - seen >= 15

    assert lab.calls == [("web", 2), ("web", 1)]
    steps = ["breach", "detect", "decide", "launch", "provision", "healthy", "first-request"]
    firsts = [lab.lines(step)[0] for step in steps]
    assert all(earlier["at"] <= later["at"] for earlier, later in pairwise(firsts))
    assert firsts[2]["before"] == 1
    assert firsts[2]["desired"] == 2
    assert "ALBRequestCountPerTarget" in firsts[2]["because"]
    assert firsts[3]["machine"] == "i-2"
    assert firsts[5]["target"] == second


def test_a_busy_service_is_given_tasks_up_to_its_maximum(lab: FakeLab) -> None:
    lab.tasks = [task("aaaa", lab.addresses.task(1))]
    lab.want(
        tasks=lab.tasks,
        scalable_targets=[a_service(1, policies=[FAST_CPU])],
        target_groups=[target_group(f"{lab.addresses.task(1)}:8000")],
    )
    lab.is_seen(running=("aaaa",))
    with ExitStack() as stack:
        lab.burn("aaaa", stack)
        with running_agent(lab):
            # A quarter of a processor was paid for and a whole one is used.
            lab.wait_for_call("web", 3)
            soon.until(
                lambda: (lab.view()["scaled"]["service/c/web"]["cpu_percent"] or 0) > 20,
                what="the live view to show the processor",
                timeout_s=10,
            )
    assert lab.lines("sample")


def test_a_deployment_keeps_a_service_from_scaling_in(lab: FakeLab) -> None:
    target = f"{lab.addresses.task(1)}:8000"
    lab.tasks = [task("aaaa", lab.addresses.task(1)), task("bbbb", lab.addresses.task(2))]
    lab.want(tasks=lab.tasks, scalable_targets=[a_service(2)], target_groups=[target_group(target)])
    lab.rates[target] = 0
    lab.is_deploying = True
    with running_agent(lab):
        soon.until(lambda: len(lab.lines("metric")) > 18, what="18 data points", timeout_s=40)
        assert lab.calls == []
        lab.is_deploying = False
        lab.wait_for_call("web", 1)


def test_a_service_below_its_minimum_is_raised_at_once(lab: FakeLab) -> None:
    lab.want(scalable_targets=[a_service(0, policies=[])])
    with running_agent(lab):
        lab.wait_for_call("web", 1, timeout_s=5)


def test_tasks_without_room_bring_instances(lab: FakeLab) -> None:
    room = [
        {"name": "CPU", "type": "INTEGER", "integerValue": 1024},
        {"name": "MEMORY", "type": "INTEGER", "integerValue": 900},
    ]
    busy = {"registeredResources": room, "runningTasksCount": 2, "pendingTasksCount": 0}
    lab.container_instances = [busy]
    waiting = {"lastStatus": "PROVISIONING", "taskDefinitionArn": "web:1", "id": "cccc"}
    lab.tasks = [waiting] * 3
    provider = {
        "name": "provider",
        "asg_name": "web",
        "target_capacity": 100,
        "managed_scaling": True,
    }
    lab.want(
        instances=[instance(1, lab.addresses.instance(1))],
        auto_scaling_groups=[a_group("i-1", desired=1, policies=[])],
        capacity_providers=[provider],
    )
    with running_agent(lab):
        # Two of the three fit on an instance: two more are needed, three are allowed.
        lab.wait_for_call("web", 3)
    assert "CapacityProviderReservation" in lab.lines("decide")[0]["because"]


def test_a_policy_it_cannot_track_is_said_and_not_guessed_at(lab: FakeLab) -> None:
    policy = {
        "name": "net",
        "type": "TargetTrackingScaling",
        "metric": "ASGAverageNetworkIn",
        "target_value": 1,
    }
    lab.want(auto_scaling_groups=[a_group("i-1", desired=1, policies=[policy])])
    log = lab.folder / "scaling.log"
    with running_agent(lab):
        soon.until(lambda: "ASGAverageNetworkIn" in log.read_text(), what="the log", timeout_s=5)


def test_it_lives_through_an_emulator_that_refuses_and_a_state_it_cannot_read(
    lab: FakeLab,
) -> None:
    lab.refuses = True
    lab.want(scalable_targets=[a_service(0, policies=[])])
    log = lab.folder / "scaling.log"
    with running_agent(lab) as agent:
        soon.until(lambda: "ServerException" in log.read_text(), what="the refusal", timeout_s=10)
        lab.want(target_groups=None)
        soon.until(lambda: "no state" in log.read_text(), what="the complaint", timeout_s=10)
        lab.want(target_groups=[])
        lab.refuses = False
        lab.wait_for_call("web", 1, timeout_s=10)
        assert agent.poll() is None
    assert log.read_text().count("no state") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told_to(lab: FakeLab, number: signal.Signals) -> None:
    with running_agent(lab) as agent:
        agent.send_signal(number)
        assert agent.wait(timeout=5) == 0
    assert (lab.folder / "scaling.log").read_text() == ""
    assert json.loads((lab.folder / "scaling.json").read_text())["speed"] == 100
