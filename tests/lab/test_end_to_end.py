"""The command as it is typed: from nothing up, verified, and down to nothing again."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from boto3.session import Session

from deploy import catalog
from deploy.lab import control, ports
from deploy.lab.processes import marked
from deploy.lab.status import LabInfo
from tests.lab.terminal import Terminal

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

VARIANTS = [variant.name for variant in catalog.VARIANTS]

# Service, question, and where the answer has what there is.
LOOKS = (
    ("cloudformation", "describe_stacks", "Stacks"),
    ("ec2", "describe_addresses", "Addresses"),
    ("ec2", "describe_launch_templates", "LaunchTemplates"),
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
    ("elbv2", "describe_load_balancers", "LoadBalancers"),
    ("elbv2", "describe_target_groups", "TargetGroups"),
    ("ecs", "list_clusters", "clusterArns"),
    ("ecs", "list_task_definitions", "taskDefinitionArns"),
    ("route53", "list_hosted_zones", "HostedZones"),
    ("route53", "list_health_checks", "HealthChecks"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("s3", "list_buckets", "Buckets"),
    ("sqs", "list_queues", "QueueUrls"),
    ("lambda", "list_functions", "Functions"),
    ("apigateway", "get_rest_apis", "items"),
    ("logs", "describe_log_groups", "logGroups"),
    ("ssm", "describe_parameters", "Parameters"),
    ("iam", "list_roles", "Roles"),
    ("ecr", "describe_repositories", "repositories"),
)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(f"end-to-end-{os.getpid()}", tmp_path / "tmp")
    terminal.temporary.mkdir()
    yield terminal
    control.down(terminal.lab)


def test_all_variants_go_up_are_verified_and_come_down_and_nothing_is_left(
    terminal: Terminal,
) -> None:
    up = terminal.nineways("up", *VARIANTS)
    assert [it["name"] for it in up] == VARIANTS

    verified = terminal.nineways("verify", *VARIANTS)
    assert list(verified) == VARIANTS
    assert all(checks for checks in verified.values())

    info = LabInfo.read(terminal.folder)
    assert info is not None
    # Seen now, or the same look later on would prove nothing.
    assert set(standing(info)) == {key for _, _, key in LOOKS}
    assert machines_of(info)
    assert marked(str(terminal.folder))
    assert ports.listeners(info.octet)
    assert bound_udp(info.octet)

    down = terminal.nineways("down", "all")
    assert down["remaining"] == []
    assert standing(info) == {}
    assert machines_of(info) == {}

    assert terminal.nineways("lab", "down") == {"remains": {terminal.lab: []}}
    assert marked(str(terminal.folder)) == []
    assert ports.listeners(info.octet) == []
    assert bound_udp(info.octet) == []
    assert not terminal.folder.exists()
    assert list(terminal.temporary.iterdir()) == []


def standing(info: LabInfo) -> dict[str, list[Any]]:
    """Whatever the account holds of the kinds that our stacks make."""
    session = Session("test", "test", region_name="us-east-1")
    found = {}
    for service, operation, key in LOOKS:
        client: Any = session.client(service, endpoint_url=info.endpoint_url)  # type: ignore[call-overload]
        found[key] = getattr(client, operation)().get(key, [])
    return {key: things for key, things in found.items() if things}


def machines_of(info: LabInfo) -> Mapping[str, list[Any]]:
    """What the emulator has agents keep up: instances, tasks, addresses, balancers, APIs."""
    state = httpx2.get(f"{info.endpoint_url}/_lab/state", params={"since": -1, "wait": 0}).json()
    return {kind: things for kind, things in state.items() if kind != "version" and things}


def bound_udp(octet: int) -> list[str]:
    """UDP sockets on a lab's addresses, which the kernel writes with the last byte first."""
    lines = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]
    return [line for line in lines if re.search(rf": [0-9A-F]{{4}}{octet:02X}7F:", line)]
