"""The lab with its real parts."""

import os
import signal

import pytest

from deploy.lab import ports
from tests.lab.conftest import Labs
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.lab


def test_the_real_lab_answers_as_aws_and_keeps_state_when_agents_are_killed(labs: Labs) -> None:
    info = labs.up(emulator=None)
    assert list(info.parts) == ["emulator", "envoy", "edge", "fleet", "scaling"]
    client = labs.client(info, "sqs")
    client.create_queue(QueueName="jobs")

    for part in ("envoy", "edge", "fleet", "scaling"):
        os.kill(labs.pid(part), signal.SIGKILL)

    def all_came_back() -> bool:
        now = labs.status().info
        return now is not None and all(
            now.parts[part].restarts == 1 and now.parts[part].state == "running"
            for part in ("envoy", "edge", "fleet", "scaling")
        )

    wait_until(all_came_back, "the agents to come back")
    assert client.get_queue_url(QueueName="jobs")["QueueUrl"].endswith("/jobs")
    assert labs.down() == []
    assert labs.processes() == []


def test_the_real_lab_binds_only_addresses_of_its_own_range(labs: Labs) -> None:
    before = {listener.inode for listener in ports.listeners()}
    info = labs.up(emulator=None)
    inodes = {inode for pid in labs.processes() for inode in sockets(pid)}
    opened = [
        listener
        for listener in ports.listeners()
        if listener.inode in inodes and listener.inode not in before
    ]
    assert opened
    assert {listener.address.rsplit(".", 2)[0] for listener in opened} == {f"127.{info.octet}"}


def sockets(pid: int) -> set[str]:
    folder = f"/proc/{pid}/fd"
    links = [os.readlink(f"{folder}/{descriptor}") for descriptor in os.listdir(folder)]  # noqa: PTH115, PTH208  plain strings
    return {link[8:-1] for link in links if link.startswith("socket:[")}
