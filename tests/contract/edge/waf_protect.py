"""Give a load balancer a web ACL, in the words of AWS's API."""

import base64
from typing import Any

from tests.contract.edge.edge_lab import Alb, ask, soon

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
    return rule("in-force", 1000, path_is("/is-it-in-force"), {"Block": {}})


def path_is(path: str) -> dict[str, Any]:
    return containing(path, {"UriPath": {}}, "EXACTLY")


def containing(text: str, field: dict[str, Any], position: str = "CONTAINS") -> dict[str, Any]:
    return {
        "ByteMatchStatement": {
            "SearchString": base64.b64encode(text.encode()).decode(),
            "FieldToMatch": field,
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
            "PositionalConstraint": position,
        }
    }


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
