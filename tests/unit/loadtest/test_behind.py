"""What a lab shows of a variant, from its state document and its parts' files."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from loadtest.behind import BehindInLab, Capacity, scaled_name

SERVICE = "service/c/web"
GROUP = "group/hosts"


def instance(number: int, slug: str = "of_test") -> dict[str, Any]:
    return {
        "id": f"i-{number}",
        "address": f"127.9.20.{number}",
        "user_data": "",
        "instance_type": "t3.micro",
        "state": "running",
        "environment": {},
        "tags": {"variant": slug},
    }


def task(number: int, host_port: int | None = None, slug: str = "of_test") -> dict[str, Any]:
    return {
        "id": f"t-{number}",
        "address": "127.9.20.1" if host_port else f"127.9.30.{number}",
        "image": "nineways/service:abc",
        "command": None,
        "environment": {"NINEWAYS_VARIANT": slug},
        "cpu_units": 256,
        "memory_mib": 512,
        "stop_timeout_s": 30,
        "stopping": False,
        "host_ports": {"8000": host_port} if host_port else {},
    }


def target(address: str, port: int) -> dict[str, Any]:
    return {"id": address, "address": address, "port": port, "draining": False}


@dataclass
class Lab:
    """The emulator's answer and the parts' files, as far as they are looked at."""

    folder: Path
    url: str
    document: dict[str, Any] = field(
        default_factory=lambda: {
            "version": 1,
            "instances": [],
            "tasks": [],
            "target_groups": [],
            "health_checks": [],
            "auto_scaling_groups": [],
            "scalable_targets": [],
            "capacity_providers": [],
        }
    )

    def write(self, name: str, content: object) -> None:
        (self.folder / name).write_text(json.dumps(content), encoding="utf-8")

    def happens(self, event: str, scaled: str = SERVICE, **facts: object) -> None:
        line = json.dumps({"at": 1.5, "aws_s": 15, "scaled": scaled, "event": event, **facts})
        with (self.folder / "scaling.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def has_targets(self, *targets: dict[str, Any]) -> None:
        group = {"arn": "arn:tg", "targets": list(targets)}
        self.document["target_groups"] = [group]

    def behind(self, *resources: str) -> BehindInLab:
        return BehindInLab(self.folder, self.url, "of_test", frozenset(resources))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(made.document).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Lab(tmp_path, f"http://127.0.0.1:{server.server_port}")
        made.write("fleet.json", {})
        made.write("edge.json", {})
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def test_copies_that_do_not_scale_are_counted(lab: Lab) -> None:
    lab.document["instances"] = [instance(1), instance(2), instance(3, slug="another")]
    lab.write("fleet.json", {"i-1": {"state": "running"}, "i-2": {"state": "starting"}})

    behind = lab.behind()

    assert behind.look() == [Capacity("copies", desired=2, running=1)]
    assert behind.there_before == {"i-1", "i-2", "i-3"}
    assert behind.scaled == []


def test_a_balancer_says_which_tasks_are_healthy(lab: Lab) -> None:
    lab.document["tasks"] = [task(1), task(2)]
    lab.has_targets(target("127.9.30.1", 8000), target("127.9.30.2", 8000))
    states = {"127.9.30.1:8000": {"state": "healthy"}, "127.9.30.2:8000": {"state": "initial"}}
    lab.write("edge.json", {"targets": {"arn:tg": states}})

    (copies,) = lab.behind().look()

    assert (copies.desired, copies.healthy) == (2, 1)


def test_route_53_says_which_instances_are_healthy(lab: Lab) -> None:
    lab.document["instances"] = [instance(1), instance(2)]
    lab.document["health_checks"] = [{"id": f"c-{n}", "address": f"127.9.20.{n}"} for n in (1, 2)]
    checks = {"c-1": {"healthy": True}, "c-2": {"healthy": False}}
    lab.write("edge.json", {"dns": {"health_checks": checks}})

    (copies,) = lab.behind().look()

    assert copies.healthy == 1


def test_where_there_are_no_machines_nothing_is_counted(lab: Lab) -> None:
    assert list(lab.behind().look()) == []


def scaling(lab: Lab) -> None:
    """A service whose tasks run on a group of instances; somebody else's service too."""
    lab.document["scalable_targets"] = [{"resource_id": SERVICE}, {"resource_id": "service/c/x"}]
    for each in lab.document["scalable_targets"]:
        each |= {"min": 1, "max": 4, "desired": 2, "policies": []}
    lab.document["auto_scaling_groups"] = [
        {
            "name": "hosts",
            "min": 1,
            "max": 2,
            "desired": 1,
            "instances": [],
            "target_group_arns": [],
            "policies": [],
        }
    ]
    now = {"desired": 3, "running": 2, "healthy": 2, "cpu_percent": 81.0, "requests_per_s": 4.0}
    lab.write("scaling.json", {"scaled": {SERVICE: now, GROUP: {**now, "healthy": 0}}})


def test_what_scales_is_shown_as_scaling_sees_it(lab: Lab) -> None:
    scaling(lab)

    behind = lab.behind(SERVICE, GROUP, "")

    assert set(behind.scaled) == {SERVICE, GROUP}
    # The instances have no targets: nobody can say whether they are healthy.
    assert list(behind.look()) == [Capacity(GROUP, 3, 2), Capacity(SERVICE, 3, 2, 2, 81.0)]


def test_a_part_that_is_just_away_shows_nothing_for_a_moment(lab: Lab) -> None:
    scaling(lab)
    behind = lab.behind(SERVICE)
    (lab.folder / "scaling.json").unlink()

    assert list(behind.look()) == []


def test_only_what_happens_from_now_on_to_this_variant_is_told(lab: Lab) -> None:
    scaling(lab)
    lab.happens("launch", machine="t-0")
    behind = lab.behind(SERVICE)
    lab.happens("launch", machine="t-1")
    lab.happens("launch", "service/c/x", machine="t-9")
    assert [one.facts["machine"] for one in behind.events()] == ["t-1"]

    lab.happens("launch", machine="t-2")
    with (lab.folder / "scaling.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"at": 3, half a li')
    assert [one.facts["machine"] for one in behind.events()] == ["t-1", "t-2"]


def test_a_target_is_the_machine_that_has_its_port_at_the_time(lab: Lab) -> None:
    scaling(lab)
    lab.document["tasks"] = [task(1, host_port=32768)]
    lab.document["instances"] = [instance(1)]
    lab.has_targets(target("127.9.20.1", 32768))
    behind = lab.behind(SERVICE)
    lab.happens("healthy", target="127.9.20.1:32768")
    behind.events()

    # Another task gets the port of the one that ended.
    lab.document["tasks"] = [task(2, host_port=32768)]
    behind.look()
    lab.happens("healthy", target="127.9.20.1:32768")

    assert [one.facts["machine"] for one in behind.events()] == ["t-1", "t-2"]


@pytest.mark.parametrize(
    ("resource_type", "physical_id", "name"),
    [
        ("AWS::ECS::Service", "arn:aws:ecs:us-east-1:000000000000:service/c/web", SERVICE),
        ("AWS::AutoScaling::AutoScalingGroup", "hosts", GROUP),
        ("AWS::EC2::Instance", "i-1", ""),
    ],
)
def test_scaling_calls_a_resource_by_another_name(
    resource_type: str, physical_id: str, name: str
) -> None:
    assert scaled_name(resource_type, physical_id) == name
