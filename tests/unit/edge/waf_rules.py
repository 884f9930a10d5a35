"""Rules and web ACLs as AWS's API has them, for tests."""

import base64
from typing import Any

from deploy.lab.edge.waf.acls import WebAcl, compiled
from deploy.lab.edge.waf.rates import Rate
from deploy.lab.edge.waf.requests import Request
from deploy.lab.edge.wanted import Json

ACL = "arn:aws:wafv2:us-east-1:000000000000:regional/webacl/web/1"
OWN = "awswaf:000000000000:webacl:web:"
NONE = [{"Priority": 0, "Type": "NONE"}]
AGENT = ("user-agent", "test")


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def acl(*rules: Json, clock: Clock | None = None, **more: object) -> WebAcl:
    def rates(given: Json) -> Rate:
        return Rate(
            limit=int(given["Limit"]),
            window_s=int(given.get("EvaluationWindowSec", 300)),
            check_every_s=10,
            clock=clock or Clock(),
        )

    document: dict[str, Any] = {
        "arn": ACL,
        "name": "web",
        "default_action": {"Allow": {}},
        "rules": list(rules),
        "custom_response_bodies": {},
    }
    return compiled(document | more, rates)


def rule(
    statement: object,
    action: object = None,
    *,
    name: str = "rule",
    priority: int = 1,
    **more: object,
) -> dict[str, Any]:
    return {
        "Name": name,
        "Priority": priority,
        "Statement": statement,
        "Action": action or {"Block": {}},
        "VisibilityConfig": {},
        **more,
    }


def group(
    name: str, *, priority: int = 1, override: str = "None", **more: object
) -> dict[str, Any]:
    return {
        "Name": f"{name}-rule",
        "Priority": priority,
        "OverrideAction": {override: {}},
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name, **more}},
        "VisibilityConfig": {},
    }


def byte_match(
    text: str, field: Json | None = None, position: str = "CONTAINS", *transformations: str
) -> dict[str, Any]:
    return {
        "ByteMatchStatement": {
            "SearchString": base64.b64encode(text.encode()).decode(),
            "FieldToMatch": field or {"UriPath": {}},
            "TextTransformations": [
                {"Priority": at, "Type": name} for at, name in enumerate(transformations)
            ]
            or NONE,
            "PositionalConstraint": position,
        }
    }


def blocks(statement: object, request: Request) -> bool:
    """Whether a web ACL of this one statement blocks the request."""
    return acl(rule(statement)).decide(request).reply is not None
