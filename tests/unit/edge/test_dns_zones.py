from typing import Any

import pytest

from deploy.lab.edge.dns.answers import LoadBalancer
from deploy.lab.edge.dns.route53 import load_balancers, unanswerable
from deploy.lab.edge.dns.zones import Alias, HostedZone, Record, hosted_zones
from deploy.lab.edge.health import Health
from deploy.lab.edge.wanted import wanted
from tests.unit.edge.dns_zone import a, zone

ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123abcd"
KEY = "127.9.30.1:8000"


def test_a_state_document_without_zones_has_none() -> None:
    assert hosted_zones({}) == ()


def test_zones_are_read_as_the_emulator_writes_them() -> None:
    written = {
        "id": "Z1",
        "name": "Lab.test",
        "records": [
            {
                "name": "App.lab.test",
                "type": "A",
                "ttl_s": 10,
                "set_id": "one",
                "values": ["127.9.20.1"],
                "multivalue": True,
                "weight": None,
                "failover": None,
                "health_check_id": "hc-1",
                "alias": None,
            },
            {
                "name": r"\052.lab.test.",
                "type": "A",
                "alias": {"dns_name": "127.9.40.1", "evaluate_target_health": True},
            },
        ],
    }

    [read] = hosted_zones({"hosted_zones": [written]})

    assert read == HostedZone(
        "Z1",
        "lab.test.",
        (
            Record(
                "app.lab.test.",
                "A",
                10,
                ("127.9.20.1",),
                set_id="one",
                multivalue=True,
                health_check_id="hc-1",
            ),
            Record("*.lab.test.", "A", alias=Alias("127.9.40.1.", evaluate_target_health=True)),
        ),
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "Z1", "name": "lab.test."},
        {"id": "Z1", "name": "lab.test.", "records": [{"name": "x.other.", "type": "A"}]},
        {"id": "Z1", "name": "lab.test.", "records": [{"name": "xlab.test.", "type": "A"}]},
    ],
)
def test_a_zone_that_is_none_is_said(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        hosted_zones({"hosted_zones": [broken]})


def test_what_cannot_be_answered_is_said() -> None:
    odd = zone(a("no address"), Record("x.lab.test.", "SPF17", 1, ("?",)))

    first, *others = unanswerable((odd, zone()))

    assert first.startswith("2 hosted zones lab.test.")
    assert [text.split(":")[0] for text in others] == [
        "record app.lab.test. A 'no address'",
        "record x.lab.test. SPF17 '?'",
    ]


# API_AliasTarget.html: "every target group that contains targets must contain at least one
# healthy target"; "a target group that has no registered targets is considered unhealthy".
@pytest.mark.parametrize(
    ("states", "healthy"),
    [
        ({KEY: "healthy"}, True),
        ({KEY: "unhealthy"}, False),
        ({KEY: "initial"}, False),
        ({}, False),
        # What drains is registered no more.
        ({KEY: "unhealthy", "127.9.30.2:8000": "healthy"}, False),
    ],
)
def test_a_load_balancer_is_healthy_while_a_target_is(
    state: dict[str, Any],
    states: dict[str, Any],
    healthy: bool,  # noqa: FBT001 - a parameter
) -> None:
    targets = {ARN: {key: Health(value) for key, value in states.items()}}

    made = load_balancers(wanted(state), targets)

    assert made == {"127.9.40.1.": LoadBalancer("127.9.40.1", healthy)}


def test_a_load_balancer_without_targets_is_unhealthy(state: dict[str, Any]) -> None:
    state["target_groups"][0]["targets"] = []

    assert not load_balancers(wanted(state), {})["127.9.40.1."].healthy


def test_an_empty_group_beside_a_healthy_one_does_no_harm(state: dict[str, Any]) -> None:
    empty = state["target_groups"][0] | {"arn": ARN + "-2", "targets": []}
    state["target_groups"].append(empty)
    listener = state["load_balancers"][0]["listeners"][0]
    forward = {"Type": "forward", "TargetGroupArn": empty["arn"]}
    listener["rules"] = [{"priority": "1", "conditions": [], "actions": [forward]}]

    made = load_balancers(wanted(state), {ARN: {KEY: Health("healthy")}})

    assert made["127.9.40.1."].healthy


def test_a_load_balancer_that_only_answers_itself_is_healthy(state: dict[str, Any]) -> None:
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    state["load_balancers"][0]["listeners"][0]["default_actions"] = [fixed]

    assert load_balancers(wanted(state), {})["127.9.40.1."].healthy
