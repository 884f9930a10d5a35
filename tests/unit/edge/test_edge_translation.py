import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.lab.addresses import Addresses
from deploy.lab.edge.envoy import Resources, envoy_command, resources, write, write_bootstrap
from deploy.lab.edge.forwarding import Settings
from deploy.lab.edge.wanted import wanted
from tests.unit.edge.conftest import ARN

ADDRESSES = Addresses(9)


def translate(state: dict[str, Any], *, retry_on: str = "") -> Resources:
    return resources(
        wanted(state), files=Path("xds"), addresses=ADDRESSES, settings=Settings(retry_on)
    )


def found(key: str, inside: object) -> Iterator[Any]:
    """Every value of that key, however deep."""
    if isinstance(inside, dict):
        yield from ([inside[key]] if key in inside else [])
        inside = list(inside.values())
    if isinstance(inside, list | tuple):
        for item in inside:
            yield from found(key, item)


def test_everything_wanted_is_there_and_supported(state: dict[str, Any]) -> None:
    made = translate(state)

    assert [listener["name"] for listener in made.listeners] == ["lb-8080", "rest-api-abc12345"]
    assert [cluster["name"] for cluster in made.clusters] == ["emulator", "web-0123abcd"]
    assert list(made.endpoints) == ["endpoints-web-0123abcd.json"]
    assert made.unsupported == ()


def test_every_socket_is_on_loopback(state: dict[str, Any]) -> None:
    made = translate(state)
    everything = [*made.listeners, *made.clusters, *made.endpoints.values()]

    addresses = [socket["address"] for socket in found("socket_address", everything)]

    assert len(addresses) == 4
    assert all(ipaddress.ip_address(address).is_loopback for address in addresses)


def test_another_address_is_refused(state: dict[str, Any]) -> None:
    state["load_balancers"][0]["address"] = "0.0.0.0"  # noqa: S104 - what must not be

    with pytest.raises(ValueError, match="not a loopback address"):
        translate(state)


def test_rules_come_in_order_of_priority_and_the_default_last(state: dict[str, Any]) -> None:
    def rule(priority: object, status: str) -> dict[str, Any]:
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status}}
        return {"priority": priority, "conditions": [], "actions": [fixed]}

    state["load_balancers"][0]["listeners"][0]["rules"] = [
        rule("default", "599"),
        rule("20", "220"),
        rule(3, "203"),
    ]

    [routes] = list(found("routes", translate(state).listeners[0]))

    assert [next(found("status", route), None) for route in routes] == [203, 220, None]
    assert routes[-1]["route"]["cluster"] == "web-0123abcd"


def test_there_is_no_retry_unless_it_is_asked_for(state: dict[str, Any]) -> None:
    assert list(found("retry_policy", translate(state).listeners)) == []
    [policy] = found("retry_policy", translate(state, retry_on="reset").listeners)
    assert (policy["retry_on"], policy["num_retries"]) == ("reset", 1)


def test_a_group_that_no_listener_leads_to_is_not_checked(state: dict[str, Any]) -> None:
    state["load_balancers"] = []

    made = translate(state)

    assert [cluster["name"] for cluster in made.clusters] == ["emulator"]
    assert made.endpoints == {}


def test_functions_are_reached_through_the_emulator_which_is_told_the_target_group(
    state: dict[str, Any],
) -> None:
    state["target_groups"][0]["target_type"] = "lambda"
    state["target_groups"][0]["health_check"]["enabled"] = False

    made = translate(state)

    [cluster] = [made for made in made.clusters if made["name"] != "emulator"]
    assert {"key": "x-nineways-target-group", "value": ARN} in list(found("header", cluster))
    assert cluster["health_checks"] == []
    assert made.unsupported == ()


def test_a_load_balancer_waits_for_a_function_as_long_as_that_may_run(
    state: dict[str, Any],
) -> None:
    state["target_groups"][0]["target_type"] = "lambda"

    made = translate(state)

    [route, *_] = [r for r in found("route", made.listeners) if "cluster" in r]
    assert (route["timeout"], route["idle_timeout"]) == ("0s", "0s")


def test_nobody_outside_names_a_target_group(state: dict[str, Any]) -> None:
    for removed in found("request_headers_to_remove", translate(state).listeners):
        assert "x-nineways-target-group" in removed


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("access_logs.s3.enabled", "true"),
        ("routing.http.xff_client_port.enabled", "true"),
        ("routing.http.desync_mitigation_mode", "strictest"),
        ("routing.http.xff_header_processing.mode", "remove"),
    ],
)
def test_an_attribute_that_changes_nothing_here_is_said(
    state: dict[str, Any], attribute: str, value: str
) -> None:
    state["load_balancers"][0]["attributes"] = {attribute: value}

    [what] = translate(state).unsupported

    assert attribute in what


def test_an_https_listener_is_said_and_not_opened(state: dict[str, Any]) -> None:
    state["load_balancers"][0]["listeners"][0]["protocol"] = "HTTPS"

    made = translate(state)

    assert [listener["name"] for listener in made.listeners] == ["rest-api-abc12345"]
    assert made.unsupported == ("listener lb:8080: protocol HTTPS",)


def test_a_rest_api_is_asked_for_by_host_and_given_time_to_refuse_itself(
    state: dict[str, Any],
) -> None:
    [route] = found("route", translate(state).listeners[1])

    assert route["host_rewrite_literal"] == "abc12345.execute-api.localhost:4566"
    assert route["timeout"] == "65s"


def test_what_is_not_wanted_any_more_leaves_no_file(state: dict[str, Any], tmp_path: Path) -> None:
    write(translate(state), tmp_path)
    state["load_balancers"] = state["target_groups"] = []
    write(translate(state), tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["clusters.json", "listeners.json"]


def test_a_file_that_would_not_change_is_not_replaced(
    state: dict[str, Any], tmp_path: Path
) -> None:
    write(translate(state), tmp_path)
    before = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    state["target_groups"][0]["targets"] = []

    write(translate(state), tmp_path)

    changed = [path.name for path, inode in before.items() if path.stat().st_ino != inode]
    assert changed == ["endpoints-web-0123abcd.json"]


def test_the_bootstrap_keeps_what_the_edge_has_written(
    state: dict[str, Any], tmp_path: Path
) -> None:
    bootstrap = write_bootstrap(tmp_path, ADDRESSES)
    write(translate(state), bootstrap.parent)

    write_bootstrap(tmp_path, ADDRESSES)

    assert len(json.loads((bootstrap.parent / "listeners.json").read_text())["resources"]) == 2
    assert str(bootstrap) in envoy_command(tmp_path)
