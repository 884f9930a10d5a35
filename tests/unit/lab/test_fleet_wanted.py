import base64
from typing import Any

import pytest

from deploy.lab.fleet.wanted import Instance, Task, wanted


def document(**lists: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    return {"version": 3, "instances": [], "tasks": [], **lists}


def instance(**more: object) -> dict[str, object]:
    return {
        "id": "i-1",
        "address": "127.9.20.1",
        "user_data": base64.b64encode(b"#!/bin/sh").decode(),
        "instance_type": "t3.micro",
        "state": "running",
        "environment": {},
        **more,
    }


def task(**more: object) -> dict[str, object]:
    return {
        "id": "t-1",
        "address": "127.9.30.1",
        "image": "nineways/service:abc",
        "command": None,
        "environment": {"A": "b"},
        "cpu_units": 256,
        "memory_mib": 512,
        "stop_timeout_s": 30,
        "stopping": False,
        **more,
    }


def test_running_instances_and_tasks_are_wanted() -> None:
    read = wanted(document(instances=[instance()], tasks=[task()]))
    assert read.version == 3
    assert read.machines == {
        "i-1": Instance("i-1", "127.9.20.1", b"#!/bin/sh", "t3.micro", {}),
        "t-1": Task("t-1", "127.9.30.1", "nineways/service:abc", None, {"A": "b"}, 256, 512, 30.0),
    }


def test_a_stopped_instance_is_off_and_keeps_its_disk() -> None:
    read = wanted(document(instances=[instance(state="stopped")]))
    assert read.machines == {}
    assert read.keeps("i-1")
    assert not read.keeps("i-2")


def test_a_stopping_task_is_not_wanted() -> None:
    assert wanted(document(tasks=[task(stopping=True)])).machines == {}


def test_a_tasks_size_is_its_units() -> None:
    assert wanted(document(tasks=[task()])).machines["t-1"].vcpus == 0.25


@pytest.mark.parametrize(
    ("instance_type", "vcpus"), [("t3.micro", None), ("c7g.medium", 1), ("m7i.xlarge", 4)]
)
def test_an_instances_size_is_in_its_type_unless_it_bursts(
    instance_type: str, vcpus: float | None
) -> None:
    machine = wanted(document(instances=[instance(instance_type=instance_type)])).machines["i-1"]
    assert machine.vcpus == vcpus


def test_a_document_of_another_shape_is_an_error() -> None:
    with pytest.raises(KeyError):
        wanted({"version": 1})
