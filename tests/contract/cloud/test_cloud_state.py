"""The state document: its version and its long poll."""

import threading
import urllib.error

import pytest

from tests.contract.cloud.conftest import Cloud, Json

pytestmark = pytest.mark.lab


def test_the_document_has_every_list_an_agent_reads(cloud: Cloud) -> None:
    state = cloud.state()

    assert set(state) == {
        "version",
        "instances",
        "tasks",
        "addresses",
        "load_balancers",
        "target_groups",
        "rest_apis",
        "health_checks",
        "hosted_zones",
        "auto_scaling_groups",
        "scalable_targets",
        "capacity_providers",
        "faults",
        "web_acls",
    }


def test_the_version_stays_while_nothing_changes(cloud: Cloud) -> None:
    version = cloud.state()["version"]

    assert cloud.state(since=version, wait_s=0.2)["version"] == version


def test_a_waiting_agent_is_answered_by_the_next_change(cloud: Cloud) -> None:
    before = cloud.state()
    answers: list[Json] = []
    agent = threading.Thread(target=lambda: answers.append(cloud.state(before["version"], 10)))
    agent.start()

    address = cloud.client("ec2").allocate_address()
    agent.join()

    (after,) = answers
    assert after["version"] > before["version"]
    assert address["PublicIp"] in {entry["public_ip"] for entry in after["addresses"]}
    cloud.client("ec2").release_address(AllocationId=address["AllocationId"])


def test_a_report_that_is_no_report_is_refused(cloud: Cloud) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        cloud.request("POST", "/_lab/observed", ["not", "a", "report"])


def test_a_since_that_is_no_version_is_refused(cloud: Cloud) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        cloud.get("/_lab/state?since=yesterday")
