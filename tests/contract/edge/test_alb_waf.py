"""A load balancer with a web ACL, with a real Envoy and a real edge."""

from typing import Any

import pytest

from tests.contract.edge.edge_lab import Alb, EdgeLab, ask, soon

pytestmark = pytest.mark.lab

AGENT = {"User-Agent": "test"}
VISIBLE = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}


def protect(alb: Alb, *rules: dict[str, Any], **acl: object) -> dict[str, Any]:
    """Associate a web ACL, and wait until it is in force."""
    name = f"acl-{alb.balancer['name']}"
    document: dict[str, Any] = {
        "arn": f"arn:aws:wafv2:us-east-1:000000000000:regional/webacl/{name}/1",
        "name": name,
        "default_action": {"Allow": {}},
        "rules": [*rules, blocked_probe()],
        "custom_response_bodies": {},
        "resources": [alb.balancer["arn"]],
    } | acl
    alb.lab.emulator.add("web_acls", document)
    soon.until(
        lambda: ask(alb.place, "/is-it-in-force", headers=AGENT)[0].status == 403,
        what="the web ACL",
        timeout_s=10,
    )
    return document


def blocked_probe() -> dict[str, Any]:
    statement = {
        "ByteMatchStatement": {
            "SearchString": "L2lzLWl0LWluLWZvcmNl",
            "FieldToMatch": {"UriPath": {}},
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
            "PositionalConstraint": "EXACTLY",
        }
    }
    return rule("in-force", 1000, statement, {"Block": {}})


def rule(name: str, priority: int, statement: object, action: object) -> dict[str, Any]:
    return {
        "Name": name,
        "Priority": priority,
        "Statement": statement,
        "Action": action,
        "VisibilityConfig": VISIBLE,
    }


def managed(name: str, priority: int, **more: object) -> dict[str, Any]:
    return {
        "Name": name,
        "Priority": priority,
        "OverrideAction": {"None": {}},
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name, **more}},
        "VisibilityConfig": VISIBLE,
    }


def test_a_planted_injection_is_blocked_and_others_pass(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    protect(alb, managed("AWSManagedRulesSQLiRuleSet", 1))

    blocked, page = ask(alb.place, "/?id=1%27%20or%20%271%27=%271", headers=AGENT)
    passed, body = ask(alb.place, "/?name=O%27Brien", headers=AGENT)

    assert blocked.status == 403
    assert blocked.headers["server"] == "awselb/2.0"
    assert blocked.headers["content-type"] == "text/html"
    assert "<center><h1>403 Forbidden</h1></center>" in page
    assert (passed.status, body) == (200, "a")
