"""AWS WAF: web ACLs in stacks and by the API, and what the edge is told of them."""

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Cloud, Json, att, ref

pytestmark = pytest.mark.lab

VISIBLE: Json = {
    "SampledRequestsEnabled": True,
    "CloudWatchMetricsEnabled": True,
    "MetricName": "m",
}
LB: Json = {
    "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "Properties": {"Subnets": ["subnet-1"]},
}
ASSOCIATION: Json = {
    "Type": "AWS::WAFv2::WebACLAssociation",
    "Properties": {"ResourceArn": ref("Lb"), "WebACLArn": att("Acl", "Arn")},
}
SQLI: Json = {
    "Name": "sqli",
    "Priority": 1,
    "OverrideAction": {"None": {}},
    "Statement": {
        "ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesSQLiRuleSet"}
    },
    "VisibilityConfig": VISIBLE,
}


def acl(*rules: Json, **more: object) -> Json:
    properties: Json = {
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": VISIBLE,
        "Rules": list(rules),
    }
    return {"Type": "AWS::WAFv2::WebACL", "Properties": properties | more}


def blocking(statement: Json, **more: object) -> Json:
    return {
        "Name": "own",
        "Priority": 2,
        "Action": {"Block": {}},
        "Statement": statement,
        "VisibilityConfig": VISIBLE,
    } | more


def searching(text: str, key: str = "SearchString") -> Json:
    return {
        "ByteMatchStatement": {
            key: text,
            "FieldToMatch": {"UriPath": {}},
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
            "PositionalConstraint": "STARTS_WITH",
        }
    }


def in_state(cloud: Cloud, arn: str) -> Json | None:
    return next((one for one in cloud.state()["web_acls"] if one["arn"] == arn), None)


def test_a_stacks_web_acl_protects_its_load_balancer_until_it_is_deleted(cloud: Cloud) -> None:
    resources = {"Lb": LB, "Acl": acl(SQLI), "Association": ASSOCIATION}
    stack = cloud.created(resources, {"Lb": ref("Lb"), "Acl": att("Acl", "Arn"), "Ref": ref("Acl")})
    arn = stack.outputs["Acl"]

    stands = in_state(cloud, arn)
    assert stands
    assert stands["resources"] == [stack.outputs["Lb"]]
    assert stands["rules"] == [SQLI]
    assert stack.outputs["Ref"].endswith("|REGIONAL")

    changed = {"Lb": LB, "Acl": acl(SQLI, blocking(searching("/admin")))}
    cloud.updated(stack.name, changed, {"Acl": att("Acl", "Arn")})
    updated = in_state(cloud, arn)
    assert updated
    assert updated["resources"] == []
    assert [rule["Name"] for rule in updated["rules"]] == ["sqli", "own"]

    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"
    assert in_state(cloud, arn) is None


@pytest.mark.parametrize(
    ("text", "key"), [("/admin", "SearchString"), ("L2FkbWlu", "SearchStringBase64")]
)
def test_search_strings_of_templates_are_as_the_api_has_them(
    cloud: Cloud, text: str, key: str
) -> None:
    stack = cloud.created({"Acl": acl(blocking(searching(text, key)))}, {"Acl": att("Acl", "Arn")})

    stands = in_state(cloud, stack.outputs["Acl"])

    assert stands
    assert stands["rules"][0]["Statement"]["ByteMatchStatement"]["SearchString"] == "L2FkbWlu"


@pytest.mark.parametrize(
    ("refused", "because"),
    [
        (acl(blocking({"GeoMatchStatement": {"CountryCodes": ["DE"]}})), "GeoMatchStatement"),
        (acl(blocking({"IPSetReferenceStatement": {"Arn": "a"}})), "IPSetReferenceStatement"),
        (acl(blocking(searching("/a"), Action={"Captcha": {}})), "the action Captcha"),
        (acl(SQLI, SQLI | {"Name": "again"}), "one Priority"),
        (acl(Scope="CLOUDFRONT"), "REGIONAL"),
        (acl(TokenDomains=["a.test"]), "TokenDomains"),
        (acl(SQLI | {"OverrideAction": {"Block": {}}}), "OverrideAction"),
    ],
)
def test_a_web_acl_that_the_lab_cannot_carry_out_is_refused_by_name(
    cloud: Cloud, refused: Json, because: str
) -> None:
    stack = cloud.finished(cloud.create({"Acl": refused}))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert because in " ".join(cloud.reasons(stack.name))


def test_only_load_balancers_are_protected(cloud: Cloud) -> None:
    api = "arn:aws:apigateway:us-east-1::/restapis/abc/stages/live"
    other = {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Properties": {"ResourceArn": api, "WebACLArn": att("Acl", "Arn")},
    }

    stack = cloud.finished(cloud.create({"Acl": acl(SQLI), "Association": other}))

    assert stack.status == "ROLLBACK_COMPLETE"
    assert api in " ".join(cloud.reasons(stack.name))


def test_the_api_makes_protects_and_deletes_as_stacks_do(cloud: Cloud) -> None:
    waf = cloud.client("wafv2")
    stack = cloud.created({"Lb": LB}, {"Lb": ref("Lb")})
    balancer = stack.outputs["Lb"]
    given: dict[str, Any] = {
        "Name": f"api-{uuid4().hex[:8]}",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": VISIBLE,
    }
    made = waf.create_web_acl(**given, Rules=[SQLI])["Summary"]
    waf.associate_web_acl(WebACLArn=made["ARN"], ResourceArn=balancer)

    bodies = {"gone": {"ContentType": "TEXT_PLAIN", "Content": "gone"}}
    custom = {"CustomResponse": {"ResponseCode": 404, "CustomResponseBodyKey": "gone"}}
    waf.update_web_acl(
        **given | {"DefaultAction": {"Block": custom}},
        Id=made["Id"],
        LockToken=made["LockToken"],
        Rules=[],
        CustomResponseBodies=bodies,
    )

    stands = in_state(cloud, made["ARN"])
    assert stands
    assert stands["resources"] == [balancer]
    assert stands["default_action"] == {"Block": custom}
    assert stands["custom_response_bodies"] == bodies
    token = waf.get_web_acl(Name=given["Name"], Scope="REGIONAL", Id=made["Id"])["LockToken"]
    doomed = {"Name": given["Name"], "Scope": "REGIONAL", "Id": made["Id"], "LockToken": token}
    with pytest.raises(ClientError, match="WAFAssociatedItemException"):
        waf.delete_web_acl(**doomed)
    waf.disassociate_web_acl(ResourceArn=balancer)
    waf.delete_web_acl(**doomed)
    assert in_state(cloud, made["ARN"]) is None


def test_the_api_refuses_what_the_edge_would(cloud: Cloud) -> None:
    geo = blocking({"GeoMatchStatement": {"CountryCodes": ["DE"]}})
    with pytest.raises(ClientError, match=r"WAFInvalidParameterException.*GeoMatchStatement"):
        cloud.client("wafv2").create_web_acl(
            Name="geo",
            Scope="REGIONAL",
            DefaultAction={"Allow": {}},
            VisibilityConfig=VISIBLE,
            Rules=[geo],
        )
