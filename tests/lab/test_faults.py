"""What goes wrong on purpose: each fault on each variant of instances and containers, and its end.

All five are up at once, in one lab.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from deploy.catalog import VARIANTS
from deploy.lab import control
from deploy.lab.addresses import Addresses
from deploy.lab.edge.dns.stub import look_up
from deploy.lab.fleet.boot import MACHINE_MARK
from deploy.lab.place import lab_place
from deploy.lab.processes import marked
from deploy.lab.status import LABS, LabInfo, machines
from tests.lab.terminal import Terminal
from tests.lab.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import ParameterTypeDef

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

FIVE = [variant.name for variant in VARIANTS if variant.number <= 5]
SCALED = [name for name in FIVE if name.startswith("alb-")]
# A client that gives up soon, so that silence is heard.
PATIENCE_S = 1.0
# What ec2-route53 is called at unless it is told otherwise.
NAME = "app.lab.test"
each = pytest.mark.parametrize("name", FIVE)


@dataclass(frozen=True)
class Five:
    """The five variants in a lab."""

    terminal: Terminal

    def fault(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.terminal.nineways("lab", "fault", *arguments)
        return found

    def url(self, name: str) -> str:
        return str(self.terminal.nineways("url", name)["url"])

    def send(self, name: str, *, times: int = 1) -> list[int]:
        """Send messages; give the statuses."""
        url = f"{self.url(name)}/messages"
        return [httpx2.post(url, json={"body": "hello"}).status_code for _ in range(times)]

    def answers(self, name: str, path: str = "/whoami") -> bool:
        """Whether everybody behind it answers: ten questions, as many answers."""
        url = self.url(name)
        try:
            asked = [httpx2.get(url + path, timeout=PATIENCE_S) for _ in range(10)]
        except httpx2.TransportError:
            return False
        return all(answer.status_code == 200 for answer in asked)

    def is_silent(self, name: str) -> bool:
        """Whether a question gets no answer at all, not even a refusal."""
        try:
            httpx2.get(f"{self.url(name)}/whoami", timeout=PATIENCE_S)
        except httpx2.TimeoutException:
            return True
        return False

    def machines(self) -> Mapping[str, Mapping[str, Any]]:
        return machines(LABS / self.terminal.lab)


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Five]:
    lab = f"faults-{os.getpid()}"
    control.up(lab, speed=50)
    made = Five(Terminal(lab, tmp_path_factory.mktemp("tmp")))
    made.terminal.nineways("up", *FIVE)
    for name in FIVE:
        wait_until(lambda name=name: made.answers(name), f"{name} to be well", 60)  # type: ignore[misc]
    yield made
    assert control.down(lab) == []


@pytest.fixture(autouse=True)
def well_again(five: Five) -> Iterator[None]:
    yield
    assert five.fault("heal") == []


@each
@pytest.mark.parametrize("kind", ["freeze", "disconnect"])
def test_who_is_frozen_or_cut_off_says_nothing_until_healed(
    five: Five, name: str, kind: str
) -> None:
    wrong = five.fault(kind, name, "--all")
    assert {one["variant"] for one in wrong} == {name}
    assert {one["kind"] for one in wrong} == {kind}
    assert five.is_silent(name)

    assert five.fault("heal", name) == []

    wait_until(lambda: five.answers(name), f"{name} to answer again", 60)


@each
def test_who_is_slow_stands_still_most_of_the_time_and_answers_all_the_same(
    five: Five, name: str
) -> None:
    wrong = five.fault("slow", name, "--one", "--share", "20%")
    assert [(one["kind"], one["share"]) for one in wrong] == [("slow", 0.2)]
    [(machine_id, how)] = [(one, how) for one, how in five.machines().items() if how["fault"]]
    assert how["fault"] == "slow, runs 20 % of the time"
    # All but the lab's own process above them, which is not part of the machine.
    pids = [pid for pid in marked(machine_id, MACHINE_MARK) if not is_init(pid)]

    # It runs for 10 ms and stands still for 40: looks one right after the other would all fall
    # into one of the two.
    looks = [is_stopped(pid) for _ in spread(100, apart_s=0.013) for pid in pids]

    assert sum(looks) > len(looks) / 2
    answer = httpx2.get(f"{five.url(name)}/whoami", timeout=30)
    assert answer.status_code == 200


def spread(times: int, *, apart_s: float) -> Iterator[None]:
    for _ in range(times):
        yield
        time.sleep(apart_s)


def is_init(pid: int) -> bool:
    return b"deploy.lab.fleet.init" in Path(f"/proc/{pid}/cmdline").read_bytes()


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped at this moment."""
    state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    return state == "T"


@each
def test_a_queue_that_fails_is_told_to_clients_and_takes_nobody_out(five: Five, name: str) -> None:
    assert five.fault("queue", "--fail", "100%") == [
        {"target": "queue", "kind": "fail", "share": 1.0}
    ]

    refused = httpx2.post(f"{five.url(name)}/messages", json={"body": "hello"})

    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "queue_unavailable"
    assert five.answers(name, "/healthz")
    assert five.fault("heal", "queue") == []
    assert five.send(name) == [202]


def test_a_queue_that_fails_now_and_then_is_asked_again(five: Five) -> None:
    five.fault("queue", "--fail", "30%")

    # Of three attempts, 2.7 % fail thrice; of thirty messages, one or two.
    assert five.send("ec2-eip", times=30).count(202) > 20


@pytest.mark.parametrize("name", SCALED)
def test_who_is_killed_behind_a_balancer_is_left_out_and_replaced(five: Five, name: str) -> None:
    [killed] = five.fault("kill", name, "--one")

    wait_until(lambda: five.answers(name), "nobody to be sent to the dead one", 60)
    wait_until(lambda: running(five, name) == 2, "a new one in its place", 90)

    url = five.url(name)
    wait_until(
        lambda: len({httpx2.get(f"{url}/whoami").json()["compute_id"] for _ in range(20)}) == 2,
        "two to take turns",
        60,
    )
    assert killed["target"] not in {
        httpx2.get(f"{url}/whoami").json()["compute_id"] for _ in range(10)
    }


def running(five: Five, name: str) -> int:
    """How many machines serve a variant."""
    slug = name.replace("-", "_")
    endpoint_url = control.status(five.terminal.lab).must_be_up().endpoint_url
    state = httpx2.get(f"{endpoint_url}/_lab/state", params={"since": -1, "wait": 0}).json()
    tasks = [one["id"] for one in state["tasks"] if one["environment"]["NINEWAYS_VARIANT"] == slug]
    instances = [one["id"] for one in state["instances"] if one["tags"].get("variant") == slug]
    now = five.machines()
    return sum(now.get(one, {}).get("state") == "running" for one in tasks or instances)


def test_who_is_killed_behind_a_name_is_left_out_of_its_answers(five: Five) -> None:
    [killed] = five.fault("kill", "ec2-route53", "--one")
    address = five.machines()[killed["target"]]["address"]

    def stands_for() -> Sequence[str]:
        lab = LabInfo.read(five.terminal.folder)
        assert lab
        return look_up(NAME, Addresses(lab.octet).dns).addresses

    wait_until(lambda: address not in stands_for(), "the name to stand for the other alone", 90)

    assert five.answers("ec2-route53")


def test_who_is_killed_at_a_fixed_address_stays_dead_until_somebody_acts(five: Five) -> None:
    before = five.url("ec2-eip")
    [killed] = five.fault("kill", "ec2-eip", "--one")
    with pytest.raises(AssertionError, match="does not run"):
        five.fault("freeze", killed["target"])
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{before}/whoami", timeout=PATIENCE_S)

    five.terminal.nineways("failover", "ec2-eip")

    assert five.answers("ec2-eip")
    assert five.url("ec2-eip") == before


@pytest.mark.parametrize("name", ["alb-ecs-ec2", "alb-ecs-fargate"])
def test_a_version_that_does_not_start_is_rolled_back_and_no_client_notices(
    five: Five, name: str
) -> None:
    wait_until(lambda: five.answers(name), f"{name} to be well", 60)
    stacks = lab_place(five.terminal.lab, tell=print).clients.cloudformation
    stack_name = f"nineways-{name}"
    [stack] = stacks.describe_stacks(StackName=stack_name)["Stacks"]
    names = {each["ParameterKey"] for each in stack["Parameters"]} - {"ImageUri"}
    kept: list[ParameterTypeDef] = [
        {"ParameterKey": name, "UsePreviousValue": True} for name in sorted(names)
    ]

    stacks.update_stack(
        StackName=stack_name,
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": "ImageUri", "ParameterValue": "nineways/service:never-built"},
            *kept,
        ],
    )
    url, said = five.url(name), set[int]()

    def is_over() -> bool:
        said.add(httpx2.get(f"{url}/whoami").status_code)
        [now] = stacks.describe_stacks(StackName=stack_name)["Stacks"]
        return now["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    wait_until(is_over, "the rollback", 90)
    # A moment later, too: it is the old tasks that are left.
    assert five.answers(name)
    assert said == {200}


def test_healing_does_not_raise_the_dead_and_a_wrong_target_is_named(five: Five) -> None:
    dead = [one for one, how in five.machines().items() if how["state"] == "exited"]

    five.fault("heal")

    assert [one for one, how in five.machines().items() if how["state"] == "exited"] == dead
    with pytest.raises(AssertionError, match="no machine or variant here is called"):
        five.fault("freeze", "nobody")
