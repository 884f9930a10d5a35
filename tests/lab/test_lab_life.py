"""A lab comes up, stays up, goes down and leaves nothing, whatever is killed meanwhile."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from deploy.errors import BadInputError, NinewaysError
from deploy.explain import explained
from deploy.lab import control, ports
from deploy.lab.addresses import HTTP_PORT, Addresses
from deploy.lab.processes import send
from deploy.lab.status import EdgeStatus
from tests.lab.conftest import FAKE_LAB, Labs
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.lab


def test_a_lab_comes_up_and_says_what_it_is_made_of(labs: Labs) -> None:
    info = labs.up()

    status = labs.status()
    assert status.state == "up"
    assert status.info == info
    assert list(info.parts) == ["emulator", "edge", "fleet"]
    assert all(part.state == "running" and part.pid for part in info.parts.values())


def test_up_when_it_is_up_already_says_so_and_changes_nothing(labs: Labs) -> None:
    first = labs.up()
    second = labs.up()
    assert second == first
    assert "lab one is up already, 100 times as fast as AWS" in labs.said


def test_down_leaves_no_process_no_port_and_no_file(labs: Labs) -> None:
    info = labs.up()
    wait_until(lambda: len(labs.processes()) == 5, "a child of the edge that calls setsid")

    assert labs.down() == []

    assert labs.processes() == []
    assert ports.listeners(info.octet) == []
    assert not labs.root.exists()
    assert labs.status().state == "down"


def test_down_is_truthful_about_ports_of_processes_that_are_still_dying(labs: Labs) -> None:
    info = labs.up()
    os.kill(info.pid, signal.SIGKILL)

    assert labs.down() == []
    assert ports.listeners(info.octet) == []


def test_a_supervisor_that_is_told_to_end_a_thousand_times_ends_in_order(labs: Labs) -> None:
    info = labs.up()
    for _ in range(1000):
        send(info.pid, signal.SIGTERM)

    assert labs.down() == []
    assert labs.said[-1] == "lab one is down"
    assert not any("does not react" in line or "earlier life" in line for line in labs.said)


def test_what_the_edge_cannot_do_is_part_of_the_status(labs: Labs) -> None:
    labs.up()
    edge = {"version": 3, "complaints": [], "unsupported": ["HTTPS listener"], "rejected": {}}
    (labs.root / "one" / "edge.json").write_text(json.dumps(edge))

    assert labs.status().edge == EdgeStatus(unsupported=["HTTPS listener"], complaints=[])


def test_up_starts_from_an_empty_folder(labs: Labs) -> None:
    info = labs.up()
    stale = labs.root / "one" / "machines" / "i-1" / "edge.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    (stale.parent / "link").symlink_to(labs.root)
    os.kill(info.pid, signal.SIGKILL)
    wait_until(lambda: labs.status().state == "dead", "the death to be noticed")

    labs.up()

    assert not stale.parent.parent.exists()


def test_down_of_what_is_not_up_is_done_already(labs: Labs) -> None:
    assert labs.down() == []
    assert labs.said == ["lab one is not up"]


def test_two_labs_side_by_side_have_different_addresses(labs: Labs) -> None:
    infos = {}
    threads = [
        Thread(target=lambda name=name: infos.update({name: labs.up(name)}))
        for name in ("one", "two")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert infos["one"].octet != infos["two"].octet
    labs.down("one")
    assert labs.status("two").state == "up"


@pytest.mark.parametrize("part", ["edge", "fleet"])
def test_a_killed_part_comes_back_and_is_counted(labs: Labs, part: str) -> None:
    labs.up()
    before = labs.pid(part)
    os.kill(before, signal.SIGKILL)

    def came_back() -> bool:
        info = labs.status().info
        return bool(info and info.parts[part].restarts == 1 and info.parts[part].pid)

    wait_until(came_back, f"{part} to come back")
    assert labs.pid(part) != before
    assert labs.status().state == "up"


def test_a_part_that_does_not_stay_up_is_given_up_and_the_lab_says_so(labs: Labs) -> None:
    labs.up()

    def is_given_up() -> bool:
        info = labs.status().info
        assert info is not None
        if pid := info.parts["fleet"].pid:
            send(pid, signal.SIGKILL)
        return info.parts["fleet"].state == "given up"

    wait_until(is_given_up, "the fleet to be given up", timeout_s=30)
    status = labs.status()
    assert status.state == "degraded"
    assert "fleet does not stay up" in status.advice


def test_a_lab_without_its_emulator_is_lost_and_says_what_to_do(labs: Labs) -> None:
    labs.up()
    os.kill(labs.pid("emulator"), signal.SIGKILL)

    wait_until(lambda: labs.status().state == "lost", "the loss to be noticed")
    wait_until(lambda: labs.processes() == [], "everything else to be stopped")
    status = labs.status()
    assert "the emulator ended (SIGKILL)" in status.advice
    assert "`nineways lab up` starts an empty lab" in status.advice
    assert status.info
    assert {part.state for part in status.info.parts.values()} == {"stopped"}

    assert labs.up().state == "up"


def test_nothing_outlives_a_killed_supervisor_after_down(labs: Labs) -> None:
    info = labs.up()
    os.kill(info.pid, signal.SIGKILL)
    wait_until(lambda: labs.status().state == "dead", "the death to be noticed")

    assert "`nineways lab down`" in labs.status().advice
    assert labs.down() == []
    assert labs.processes() == []


def test_up_clears_away_what_a_killed_supervisor_left(labs: Labs) -> None:
    info = labs.up()
    os.kill(info.pid, signal.SIGKILL)
    wait_until(lambda: labs.status().state == "dead", "the death to be noticed")
    strays = set(labs.processes())

    again = labs.up()

    assert again.pid != info.pid
    assert strays.isdisjoint(labs.processes())


def test_a_frozen_supervisor_is_ended_by_force(labs: Labs) -> None:
    info = labs.up()
    os.kill(info.pid, signal.SIGSTOP)

    assert labs.down(within_s=0.3) == []
    assert "the supervisor does not react to SIGTERM" in labs.said


def test_a_disk_without_room_is_said_to_be_full(
    labs: Labs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))

    with pytest.raises(OSError, match="No space left") as caught:
        labs.up(emulator="broken")

    known = explained(caught.value)
    assert known
    assert "the disk is full" in str(known)
    assert not labs.root.exists()


def test_a_part_that_cannot_start_is_one_clear_error_with_its_last_words(labs: Labs) -> None:
    with pytest.raises(NinewaysError, match="lab one did not come up") as caught:
        labs.up(emulator="broken")
    assert "emulator ended at once (exit code 1)" in caught.value.cause
    assert "no emulator today" in caught.value.cause
    assert not labs.root.exists()


def test_a_taken_port_is_named_with_who_has_it(labs: Labs) -> None:
    octet = labs.up("other").octet
    labs.down("other")
    address = (Addresses(octet).load_balancer(1), HTTP_PORT)
    with socket.create_server(address), pytest.raises(NinewaysError, match="is taken") as caught:
        labs.up(octet=octet)
    assert f"(process {os.getpid()}) listens there" in caught.value.cause
    assert not labs.root.exists()


def test_a_range_of_another_lab_is_refused(labs: Labs) -> None:
    octet = labs.up("one").octet
    with pytest.raises(NinewaysError) as caught:
        labs.up("two", octet=octet)
    assert caught.value.cause == "another lab has that range"


def test_a_name_that_is_no_folder_name_is_refused(labs: Labs) -> None:
    with pytest.raises(BadInputError, match=r"'\.\./etc' is no name for a lab"):
        labs.up("../etc")


def test_interrupting_up_leaves_nothing(labs: Labs) -> None:
    program = (
        # Whoever runs the tests in the background has its children ignore SIGINT.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "import sys; from pathlib import Path; from deploy.lab import control;"
        f"control.up('one', labs=Path({str(labs.root)!r}),"
        f" supervisor=(sys.executable, {str(FAKE_LAB)!r}, 'silent'))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as command:
        wait_until(lambda: len(labs.processes()) == 2, "the emulator to be started")
        command.send_signal(signal.SIGINT)
        output = command.communicate()[0].decode()

    assert "KeyboardInterrupt" in output
    assert labs.processes() == []
    assert not labs.root.exists()


def test_logs_are_read_by_part_and_an_unknown_part_lists_what_there_is(labs: Labs) -> None:
    labs.up()
    wait_until(
        lambda: any("GET /" in line for line in control.logs("one", "emulator", labs=labs.root)),
        "the emulator to log",
    )
    with pytest.raises(BadInputError) as caught:
        next(control.logs("one", "nobody", labs=labs.root))
    assert caught.value.remedy == "there are: edge, emulator, fleet, supervisor"


def test_no_credentials_of_the_caller_get_into_a_lab(
    labs: Labs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "precious")
    labs.up()
    environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in labs.processes()]
    assert not any(b"precious" in environment for environment in environments)


def test_what_the_supervisor_writes_down_is_json_for_others(labs: Labs) -> None:
    info = labs.up()
    written = json.loads((labs.root / "one" / "lab.json").read_text())
    assert (written["octet"], written["speed"]) == (info.octet, 100)
