"""Instances and tasks as processes: what runs, what is reported, what is left behind."""

import base64
import json
import os
import signal

import pytest

from tests.lab.fleet_under_test import FleetUnderTest
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.lab

# Stays, as a process of its own that nobody knows.
DAEMON = "setsid sleep 1000 & (sleep 1000 &)"


def test_an_instance_runs_its_user_data_as_a_bare_machine_would(fleet: FleetUnderTest) -> None:
    script = (
        'echo "at $NINEWAYS_HOST, home $HOME, imds $AWS_EC2_METADATA_SERVICE_ENDPOINT"\n'
        "python3 -c 'import sys; print(\"bare\", sys.prefix == sys.base_prefix)'\n"
        "aws s3 cp nowhere here || echo no such copy"
    )
    instance = fleet.instance(script)
    fleet.plane.want(instances=[instance])

    said = fleet.says(instance, "user data ended with exit code 0")

    url = f"{fleet.addresses.emulator_url}/_lab/metadata/{instance['id']}"
    home = fleet.state / "machines" / instance["id"]
    assert f"at {instance['address']}, home {home}, imds {url}" in said
    assert "bare True" in said
    assert "no such copy" in said
    assert fleet.reaches(instance, "running")["pid"]


def test_an_instance_runs_the_script_of_user_data_in_parts(fleet: FleetUnderTest) -> None:
    parts = (
        'Content-Type: multipart/mixed; boundary="//"\nMIME-Version: 1.0\n\n'
        '--//\nContent-Type: text/cloud-config; charset="utf-8"\n\n#cloud-config\n\n'
        '--//\nContent-Type: text/x-shellscript; charset="utf-8"\n\n'
        '#!/bin/bash\necho "part of $0"\n'
        "--//--\n"
    )
    instance = fleet.instance("", user_data=base64.b64encode(parts.encode()).decode())
    fleet.plane.want(instances=[instance])
    assert "part of " in fleet.says(instance, "user data ended with exit code 0")


def test_an_instance_of_an_image_finds_installed_what_the_image_holds(
    fleet: FleetUnderTest,
) -> None:
    disk = fleet.state / "images" / "ami-baked" / "nineways"
    (disk / "releases" / "1").mkdir(parents=True)
    (disk / "releases" / "1" / "release").write_text("release=1")
    (disk / "current").symlink_to("releases/1")
    look = 'cat "$NINEWAYS_HOME/current/release" || echo nothing is installed'
    baked = fleet.instance(look, image_id="ami-baked")
    bare = fleet.instance(look, image_id="ami-bare")
    fleet.plane.want(instances=[baked, bare])

    assert "release=1" in fleet.says(baked, "user data ended")
    assert "nothing is installed" in fleet.says(bare, "user data ended")


def test_an_instance_that_is_only_configured_runs_nothing(fleet: FleetUnderTest) -> None:
    instance = fleet.instance("", user_data=base64.b64encode(b"#cloud-config\n{}\n").decode())
    fleet.plane.want(instances=[instance])
    assert fleet.reaches(instance, "running")["pid"]


def test_user_data_that_nobody_would_run_is_said_to_be_so(fleet: FleetUnderTest) -> None:
    instance = fleet.instance("", user_data=base64.b64encode(b"echo hello\n").decode())
    fleet.plane.want(instances=[instance])
    assert "nothing would run it" in fleet.reaches(instance, "exited")["reason"]


def test_an_instance_stays_on_when_its_user_data_fails(fleet: FleetUnderTest) -> None:
    instance = fleet.instance("exit 7")
    fleet.plane.want(instances=[instance])
    fleet.says(instance, "user data ended with exit code 7")
    fleet.reaches(instance, "running")


def test_killing_what_a_machine_booted_into_is_pulling_its_plug(fleet: FleetUnderTest) -> None:
    instance = fleet.instance(DAEMON)
    fleet.plane.want(instances=[instance])
    fleet.says(instance, "user data ended")

    os.kill(fleet.reaches(instance, "running")["pid"], signal.SIGKILL)

    assert fleet.reaches(instance, "exited")["exit_code"] == 137
    # Not even the daemons that called setsid or lost their parent.
    wait_until(lambda: fleet.processes() == [], "everything to be gone")


def test_killing_the_init_above_it_too_leaves_nothing(fleet: FleetUnderTest) -> None:
    instance = fleet.instance(DAEMON)
    fleet.plane.want(instances=[instance])
    fleet.says(instance, "user data ended")
    pulse = json.loads((fleet.state / "machines" / instance["id"] / "pulse.json").read_text())

    os.kill(pulse["init"], signal.SIGKILL)

    assert fleet.reaches(instance, "exited")["exit_code"] == 137
    wait_until(lambda: fleet.processes() == [], "everything to be gone")


def test_a_crashed_instance_is_not_started_again_and_others_go_on(fleet: FleetUnderTest) -> None:
    one, two = fleet.instance("true"), fleet.instance("true")
    fleet.plane.want(instances=[one, two])
    fleet.says(two, "user data ended")
    os.kill(fleet.reaches(one, "running")["pid"], signal.SIGKILL)
    fleet.reaches(one, "exited")

    fleet.plane.want(instances=[one, two], tasks=[])
    fleet.plane.want(instances=[one, two, later := fleet.instance("true")])

    fleet.reaches(later, "running")
    assert fleet.plane.machine(one["id"])["state"] == "exited"
    assert fleet.plane.machine(two["id"])["state"] == "running"


def test_a_terminated_instance_ends_and_only_its_log_stays(fleet: FleetUnderTest) -> None:
    instance = fleet.instance(f"{DAEMON}\necho hello")
    fleet.plane.want(instances=[instance])
    fleet.says(instance, "user data ended")

    fleet.plane.want()

    log = fleet.state / "logs" / f"{instance['id']}.log"
    wait_until(log.exists, "the log to be put aside")
    assert "hello" in log.read_text()
    assert fleet.processes() == []
    wait_until(lambda: not (fleet.state / "machines" / instance["id"]).exists(), "the disk to go")


def test_a_stopped_instance_keeps_its_disk_and_starts_again(fleet: FleetUnderTest) -> None:
    instance = fleet.instance('echo "boot" >> $HOME/boots')
    boots = fleet.state / "machines" / instance["id"] / "boots"
    fleet.plane.want(instances=[instance])
    first = fleet.reaches(instance, "running")["pid"]
    fleet.says(instance, "user data ended")

    fleet.plane.want(instances=[{**instance, "state": "stopped"}])
    wait_until(lambda: fleet.processes() == [], "it to stop")
    fleet.plane.want(instances=[instance])

    wait_until(lambda: boots.read_text() == "boot\nboot\n", "the second boot")
    wait_until(
        lambda: fleet.plane.machine(instance["id"])["pid"] not in {None, first}, "the new pid"
    )


def test_a_task_runs_its_images_command_with_both_environments(fleet: FleetUnderTest) -> None:
    task = fleet.task(environment={"COLOUR": "green"})
    plain = fleet.task()
    fleet.plane.want(tasks=[task, plain])
    fleet.says(task, f"green {task['address']}")
    fleet.says(plain, f"blue {plain['address']}")


def test_a_tasks_own_command_replaces_the_images(fleet: FleetUnderTest) -> None:
    task = fleet.task(command=["python", "-c", "import app.serve as s; print(s)"])
    fleet.plane.want(tasks=[task])
    fleet.says(task, "blue")


def test_a_task_that_is_stopped_gets_sigterm_first(fleet: FleetUnderTest) -> None:
    task = fleet.task()
    fleet.plane.want(tasks=[task])
    fleet.says(task, "blue")
    fleet.plane.want(tasks=[{**task, "stopping": True}])
    assert fleet.reaches(task, "exited")["exit_code"] == 3


def test_a_task_that_ignores_sigterm_is_killed_after_its_timeout(fleet: FleetUnderTest) -> None:
    stubborn = ["bash", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    task = fleet.task(command=stubborn, stop_timeout_s=0.5)
    fleet.plane.want(tasks=[task])
    fleet.says(task, "ready")
    fleet.plane.want(tasks=[{**task, "stopping": True}])
    assert fleet.reaches(task, "exited")["exit_code"] == 137


def test_a_task_with_an_unknown_image_says_why_it_did_not_start(fleet: FleetUnderTest) -> None:
    task = fleet.task(image="nineways/service:nope")
    fleet.plane.want(tasks=[task])
    seen = fleet.reaches(task, "exited")
    assert seen["exit_code"] is None
    assert seen["reason"].startswith("CannotPullContainerError: nineways/service:nope is not in")


def test_a_task_that_uses_more_memory_than_it_has_is_killed(fleet: FleetUnderTest) -> None:
    greedy = ["python", "-c", "import time; x = bytearray(200 << 20); time.sleep(1000)"]
    task = fleet.task(command=greedy, memory_mib=100)
    fleet.plane.want(tasks=[task])
    seen = fleet.reaches(task, "exited")
    assert seen["exit_code"] == 137
    assert seen["reason"].startswith("OutOfMemoryError")


def test_machines_live_on_when_the_fleet_is_killed_and_the_next_one_takes_them_over(
    fleet: FleetUnderTest,
) -> None:
    stays, goes = fleet.instance("echo once >> $HOME/boots"), fleet.instance(DAEMON)
    fleet.plane.want(instances=[stays, goes])
    pid = fleet.reaches(stays, "running")["pid"]
    fleet.says(stays, "user data ended")
    fleet.says(goes, "user data ended")

    fleet.kill()
    os.kill(pid, 0)
    fleet.plane.want(instances=[stays])
    fleet.plane.report({stays["id"]: {"state": "unknown", "pid": None}})
    fleet.start()

    assert fleet.reaches(stays, "running")["pid"] == pid
    home = fleet.state / "machines"
    wait_until(lambda: not (home / goes["id"]).exists(), "what nobody wants to be cleared away")
    assert (home / stays["id"] / "boots").read_text() == "once\n"
    os.kill(pid, signal.SIGKILL)
    assert fleet.reaches(stays, "exited")["exit_code"] == 137
    wait_until(lambda: fleet.processes() == [], "everything to be gone")
