"""Functions behind real Envoy: what reaches the emulator, which would invoke them."""

import json
from typing import Any

import pytest

from tests.contract.edge.edge_lab import Alb, EdgeLab, ask, soon

pytestmark = pytest.mark.lab

UNCHECKED = {"enabled": False}


def of_function(lab: EdgeLab, **changes: object) -> Alb:
    host, port = lab.addresses.emulator_url.removeprefix("http://").split(":")
    target = {"id": "arn:aws:lambda:f", "address": host, "port": int(port), "draining": False}
    group = {"target_type": "lambda", "targets": [target], **changes}
    return lab.alb(group=group, check=UNCHECKED)


def asked(alb: Alb, path: str = "/", **headers: str) -> dict[str, Any]:
    """What the emulator got."""
    response, body = ask(alb.place, path, headers=headers)
    assert response.status == 200, body
    got: dict[str, Any] = json.loads(body)
    got["headers"] = dict(got["headers"])
    return got


def test_the_emulator_is_told_which_target_group_asks(lab: EdgeLab) -> None:
    alb = of_function(lab)

    got = asked(alb, "/a%20b//c?x=%C2%A5&x", **{"x-nineways-target-group": "another", "Host": "h"})

    assert got["headers"]["x-nineways-target-group"] == alb.group["arn"]
    assert (got["host"], got["path"]) == ("h", "/a%20b//c?x=%C2%A5&x")
    assert got["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert got["headers"]["x-forwarded-port"] == str(alb.place[1])
    assert got["headers"]["x-forwarded-proto"] == "http"
    assert got["headers"]["x-amzn-trace-id"].startswith("Root=1-")


def test_a_target_group_named_by_a_client_leads_nowhere_else(lab: EdgeLab) -> None:
    lab.emulator.add(
        "rest_apis",
        api := {"id": "abc", "name": "a", "address": lab.addresses.rest_api(7), "stages": []},
    )
    place = (str(api["address"]), 8080)

    def answered() -> str:
        try:
            return ask(place, headers={"x-nineways-target-group": "arn"})[1]
        except OSError:
            return ""

    soon.until(lambda: bool(answered()), what="the API to listen", timeout_s=10)
    assert "x-nineways-target-group" not in answered()


def test_a_function_is_not_checked_and_its_state_says_so(lab: EdgeLab) -> None:
    alb = of_function(lab)
    key = next(f"{t['address']}:{t['port']}" for t in alb.group["targets"])

    soon.until(
        lambda: (
            lab.emulator.observed.get(alb.group["arn"], {}).get(key, {}).get("state")
            == "unavailable"
        ),
        what="the state to be known",
        timeout_s=10,
    )


def test_a_group_without_function_is_503(lab: EdgeLab) -> None:
    assert ask(of_function(lab, targets=[]).place)[0].status == 503


def test_an_upgrade_is_400(lab: EdgeLab) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "a"}

    response, body = ask(of_function(lab).place, headers=headers)

    assert response.status == 400
    assert "<h1>400 Bad Request</h1>" in body


def test_a_function_and_a_server_share_requests_by_weight(lab: EdgeLab) -> None:
    server = lab.backend("server")
    containers = lab.alb(server)
    containers.wait_until("healthy", server)
    alb = of_function(lab)
    groups = [
        {"TargetGroupArn": alb.group["arn"], "Weight": 1},
        {"TargetGroupArn": containers.group["arn"], "Weight": 1},
    ]
    [listener] = alb.balancer["listeners"]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
    lab.emulator.change(listener, default_actions=[action])
    lab.emulator.remove("load_balancers", containers.balancer)

    def both() -> bool:
        bodies = [ask(alb.place)[1] for _ in range(10)]
        told = [alb.group["arn"] in body for body in bodies]
        return any(told) and not all(told)

    soon.until(both, what="both to answer", timeout_s=10)
