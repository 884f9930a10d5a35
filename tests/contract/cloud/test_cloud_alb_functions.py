"""Functions as targets of load balancers, asked the way Envoy asks: the emulator, with a header."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloud.conftest import Cloud, Json, att, ref
from tests.contract.cloud.test_cloud_functions import ROLE

if TYPE_CHECKING:
    from types_boto3_elbv2.type_defs import TargetDescriptionTypeDef

pytestmark = pytest.mark.lab

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "isBase64Encoded": False, "body": json.dumps(event),
            "headers": {"Content-Type": "application/json"},
            "multiValueHeaders": {"Content-Type": ["application/json"]}}
"""
# Returns what it is sent.
MIRROR = """
import base64, json
def handler(event, context):
    body = event["body"]
    return json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)
"""
PERMISSION: Json = {
    "Type": "AWS::Lambda::Permission",
    "Properties": {
        "Action": "lambda:InvokeFunction",
        "FunctionName": ref("F"),
        "Principal": "elasticloadbalancing.amazonaws.com",
    },
}


def group(**properties: object) -> Json:
    return {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "DependsOn": "P",
        "Properties": {
            "TargetType": "lambda",
            "Targets": [{"Id": att("F", "Arn")}],
            **properties,
        },
    }


def function(source: str, **properties: object) -> Json:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": att("Role", "Arn"),
            "Code": {"ZipFile": source},
            "Timeout": 10,
            **properties,
        },
    }


MULTI = group(
    TargetGroupAttributes=[{"Key": "lambda.multi_value_headers.enabled", "Value": "true"}]
)
OUTPUTS = {"Group": ref("G"), "Function": att("F", "Arn")}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def event(self) -> Json:
        event: Json = json.loads(self.body)
        return event

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


@dataclass(frozen=True)
class Target:
    cloud: Cloud
    stack: str
    group: str
    function: str

    def ask(
        self,
        method: str = "GET",
        path: str = "/",
        *headers: tuple[str, str],
        body: bytes = b"",
    ) -> Reply:
        host = urlsplit(self.cloud.url)
        connection = HTTPConnection(str(host.hostname), host.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in (("Host", "lb.example"), *headers):
                connection.putheader(name, value)
            connection.putheader("x-nineways-target-group", self.group)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def mirror(self, returned: object) -> Reply:
        return self.ask("POST", "/", ("content-type", "application/json"), body=_json(returned))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


@contextmanager
def standing(
    cloud: Cloud, source: str, *, target_group: Json | None = None, **properties: object
) -> Iterator[Target]:
    resources = {
        "Role": ROLE,
        "F": function(source, **properties),
        "P": PERMISSION,
        "G": target_group or group(),
    }
    stack = cloud.created(resources, OUTPUTS)
    yield Target(cloud, stack.name, stack.outputs["Group"], stack.outputs["Function"])
    assert cloud.deleted(stack.name) == "DELETE_COMPLETE"


@pytest.fixture(scope="module")
def echo(cloud: Cloud) -> Iterator[Target]:
    with standing(cloud, ECHO) as target:
        yield target


@pytest.fixture(scope="module")
def lists(cloud: Cloud) -> Iterator[Target]:
    with standing(cloud, ECHO, target_group=MULTI) as target:
        yield target


@pytest.fixture(scope="module")
def mirror(cloud: Cloud) -> Iterator[Target]:
    with standing(cloud, MIRROR) as target:
        yield target


# ---- requests ----


def test_a_request_becomes_the_event_that_aws_documents(echo: Target) -> None:
    reply = echo.ask("GET", "/a%20b//c?x=1&x=2&empty=&flag", ("Accept", "a"), ("ACCEPT", "b"))

    assert reply.status == 200
    assert reply.event == {
        "requestContext": {"elb": {"targetGroupArn": echo.group}},
        "httpMethod": "GET",
        "path": "/a%20b//c",
        "queryStringParameters": {"x": "2", "empty": "", "flag": ""},
        "headers": {"host": "lb.example", "accept": "b"},
        "body": "",
        "isBase64Encoded": False,
    }


def test_with_multi_value_headers_everything_is_a_list(lists: Target) -> None:
    event = lists.ask(
        "GET", "/?k=1&k=2&t%C2%A5=a+b", ("Cookie", "a=1"), ("Cookie", "b=2; c=3")
    ).event

    assert event["multiValueQueryStringParameters"] == {"k": ["1", "2"], "t%C2%A5": ["a+b"]}
    assert event["multiValueHeaders"]["cookie"] == ["a=1", "b=2; c=3"]
    assert not event.keys() & {"headers", "queryStringParameters"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])
def test_any_method_arrives(echo: Target, method: str) -> None:
    assert echo.ask(method).event["httpMethod"] == method


def test_a_binary_body_arrives_in_base64(echo: Target) -> None:
    event = echo.ask("POST", "/", ("Content-Type", "image/png"), body=bytes(range(256))).event

    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == bytes(range(256))


def test_a_head_request_has_the_headers_of_a_get_and_no_body(echo: Target) -> None:
    reply = echo.ask("HEAD")

    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.header("content-length")[0]) > 100


def test_trace_is_not_taken(echo: Target) -> None:
    assert echo.ask("TRACE").status == 405


def test_a_health_check_has_one_header(echo: Target) -> None:
    event = echo.ask("GET", "/", ("User-Agent", "ELB-HealthChecker/2.0"), ("X", "y")).event

    assert event["headers"] == {"user-agent": "ELB-HealthChecker/2.0"}


def test_the_clients_address_is_joined_with_a_blank(echo: Target) -> None:
    event = echo.ask("GET", "/", ("X-Forwarded-For", "2001:db8::1,10.0.0.1,127.0.0.1")).event

    assert event["headers"]["x-forwarded-for"] == "2001:db8::1,10.0.0.1, 127.0.0.1"


def test_a_path_of_the_emulators_own_belongs_to_the_function(echo: Target) -> None:
    for path in ("/_lab/state", "/_lab/faults", "/_ministack/health"):
        assert echo.ask("GET", path).event["path"] == path


# ---- answers ----


def test_an_answer_becomes_http(mirror: Target) -> None:
    reply = mirror.mirror(
        {
            "statusCode": 418,
            "statusDescription": "418 I'm a teapot",
            "isBase64Encoded": True,
            "headers": {"Content-Type": "image/png", "X-Own": "yes", "Connection": "close"},
            "body": base64.b64encode(b"\x89PNG\x00").decode(),
        }
    )

    assert (reply.status, reply.body) == (418, b"\x89PNG\x00")
    assert reply.header("content-type") == ["image/png"]
    assert reply.header("x-own") == ["yes"]
    assert reply.header("content-length") == ["5"]
    assert reply.header("server") == ["awselb/2.0"]


def test_a_cookie_for_each_value_with_multi_value_headers(cloud: Cloud) -> None:
    with standing(cloud, MIRROR, target_group=MULTI) as target:
        reply = target.mirror(
            {
                "statusCode": 200,
                "isBase64Encoded": False,
                "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
                "body": "hé",
            }
        )

        assert reply.header("set-cookie") == ["a=1", "b=2"]
        assert reply.header("content-type") == ["application/octet-stream"]
        assert reply.body.decode() == "hé"


@pytest.mark.parametrize(
    "returned",
    [
        "text",
        None,
        {"statusCode": "200", "headers": {}, "isBase64Encoded": False},
        {"headers": {}, "isBase64Encoded": False},
        {"statusCode": 200, "headers": None, "isBase64Encoded": False},
        {"statusCode": 200, "isBase64Encoded": False, "body": "no headers"},
        {"statusCode": 200, "headers": {"X": True}, "isBase64Encoded": False},
        {"statusCode": 200, "headers": {"X": "a\r\nY: b"}, "isBase64Encoded": False},
        {"statusCode": 200, "headers": {}, "isBase64Encoded": True, "body": "%"},
        {"statusCode": 200, "headers": {}, "isBase64Encoded": False, "body": {"a": 1}},
        {"statusCode": 200, "headers": {"X": "y" * 33_000}, "isBase64Encoded": False},
    ],
)
def test_a_malformed_answer_is_502(mirror: Target, returned: object) -> None:
    reply = mirror.mirror(returned)

    assert reply.status == 502
    assert b"<h1>502 Bad Gateway</h1>" in reply.body
    assert reply.header("server") == ["awselb/2.0"]


# ---- limits and failures ----


def test_a_megabyte_passes_to_the_function_and_a_byte_more_is_413(cloud: Cloud) -> None:
    source = """
def handler(event, context):
    return {"statusCode": 200, "headers": {}, "isBase64Encoded": False,
            "body": str(len(event["body"]))}
"""
    with standing(cloud, source) as target:
        kind = ("Content-Type", "text/plain")

        assert target.ask("POST", "/", kind, body=b"x" * 2**20).body == b"1048576"
        refused = target.ask("POST", "/", kind, body=b"x" * (2**20 + 1))

        assert refused.status == 413
        assert b"413 Request Entity Too Large" in refused.body


def test_an_answer_whose_json_is_longer_than_a_megabyte_is_502(cloud: Cloud) -> None:
    source = """
def handler(event, context):
    return {"statusCode": 200, "headers": {}, "isBase64Encoded": False,
            "body": "x" * int(event["path"][1:])}
"""
    with standing(cloud, source) as target:
        assert target.ask("GET", "/1048000").status == 200
        assert target.ask("GET", "/1048576").status == 502


def test_a_function_that_raises_or_takes_too_long_is_502(cloud: Cloud) -> None:
    source = """
import time
def handler(event, context):
    if event["path"] == "/late":
        time.sleep(5)
    raise ValueError("no")
"""
    with standing(cloud, source, Timeout=1) as target:
        assert target.ask("GET", "/").status == 502
        assert target.ask("GET", "/late").status == 502


def test_more_at_once_than_is_reserved_is_502(cloud: Cloud) -> None:
    source = """
import time
def handler(event, context):
    time.sleep(1)
    return {"statusCode": 200, "headers": {}, "isBase64Encoded": False}
"""
    with (
        standing(cloud, source, ReservedConcurrentExecutions=2) as target,
        ThreadPoolExecutor(6) as callers,
    ):
        statuses = [reply.status for reply in callers.map(lambda _: target.ask(), range(6))]

    assert sorted(statuses) == [200, 200, 502, 502, 502, 502]


def test_bytes_that_are_no_text_cannot_be_told_to_the_function(echo: Target) -> None:
    assert echo.ask("POST", "/", ("Content-Type", "text/plain"), body=b"\xff").status == 502


def test_without_permission_the_function_is_not_invoked(cloud: Cloud) -> None:
    with standing(cloud, ECHO) as target:
        client = cloud.client("lambda")
        policy = json.loads(client.get_policy(FunctionName=target.function)["Policy"])
        client.remove_permission(
            FunctionName=target.function, StatementId=policy["Statement"][0]["Sid"]
        )

        assert target.ask().status == 502


# ---- registration ----


def test_a_function_is_not_registered_before_its_permission(cloud: Cloud) -> None:
    elb = cloud.client("elbv2")
    stack = cloud.created({"Role": ROLE, "F": function(ECHO)}, {"Arn": att("F", "Arn")})
    arn = elb.create_target_group(Name="unpermitted", TargetType="lambda")["TargetGroups"][0][
        "TargetGroupArn"
    ]
    target: TargetDescriptionTypeDef = {"Id": stack.outputs["Arn"]}

    with pytest.raises(ClientError, match="does not have permission to invoke"):
        elb.register_targets(TargetGroupArn=arn, Targets=[target])
    cloud.client("lambda").add_permission(
        FunctionName=target["Id"],
        StatementId="one",
        Action="lambda:InvokeFunction",
        Principal="elasticloadbalancing.amazonaws.com",
        SourceArn=arn,
    )
    elb.register_targets(TargetGroupArn=arn, Targets=[target])

    assert Target(cloud, stack.name, arn, target["Id"]).ask().status == 200
    with pytest.raises(ClientError, match="TooManyTargets"):
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": target["Id"] + ":2"}])
    elb.deregister_targets(TargetGroupArn=arn, Targets=[target])
    assert Target(cloud, stack.name, arn, target["Id"]).ask().status == 503
    elb.delete_target_group(TargetGroupArn=arn)
    cloud.deleted(stack.name)


def test_a_stack_that_forgot_the_permission_is_rolled_back_and_says_so(cloud: Cloud) -> None:
    foreign = {
        **PERMISSION,
        "Properties": {
            **PERMISSION["Properties"],
            "SourceArn": "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/*",
        },
    }
    before = len(cloud.state()["target_groups"])
    name = cloud.create({"Role": ROLE, "F": function(ECHO), "P": foreign, "G": group()})

    assert cloud.finished(name).status == "ROLLBACK_COMPLETE"
    assert any("does not have permission to invoke" in why for why in cloud.reasons(name))
    assert len(cloud.state()["target_groups"]) == before


@pytest.mark.parametrize(
    "setting",
    [
        {"Port": 80},
        {"Protocol": "HTTP"},
        {"VpcId": "vpc-1"},
        {"TargetGroupAttributes": [{"Key": "stickiness.enabled", "Value": "true"}]},
    ],
)
def test_what_a_function_does_not_have_is_refused(cloud: Cloud, setting: Json) -> None:
    resources = {"Role": ROLE, "F": function(ECHO), "P": PERMISSION, "G": group(**setting)}
    name = cloud.create(resources)

    assert cloud.finished(name).status == "ROLLBACK_COMPLETE"
    assert any("for target type lambda" in reason for reason in cloud.reasons(name))


def test_attributes_of_machines_are_not_for_functions(cloud: Cloud) -> None:
    elb = cloud.client("elbv2")
    with standing(cloud, ECHO) as target:
        with pytest.raises(ClientError, match="not supported for target type lambda"):
            elb.modify_target_group_attributes(
                TargetGroupArn=target.group,
                Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}],
            )
        multi = {"Key": "lambda.multi_value_headers.enabled", "Value": "true"}
        elb.modify_target_group_attributes(TargetGroupArn=target.group, Attributes=[multi])  # type: ignore[list-item]

        assert "multiValueHeaders" in target.ask().event


def test_an_alias_is_called_with_the_permission_for_the_alias(cloud: Cloud) -> None:
    elb, functions = cloud.client("elbv2"), cloud.client("lambda")
    with standing(cloud, ECHO) as target:
        version = functions.publish_version(FunctionName=target.function)["Version"]
        alias = functions.create_alias(
            FunctionName=target.function, Name="live", FunctionVersion=version
        )["AliasArn"]
        elb.deregister_targets(TargetGroupArn=target.group, Targets=[{"Id": target.function}])

        with pytest.raises(ClientError, match="does not have permission to invoke"):
            elb.register_targets(TargetGroupArn=target.group, Targets=[{"Id": alias}])
        functions.add_permission(
            FunctionName=target.function,
            Qualifier="live",
            StatementId="alias",
            Action="lambda:InvokeFunction",
            Principal="elasticloadbalancing.amazonaws.com",
            SourceArn=target.group,
            SourceAccount="000000000000",
        )
        elb.register_targets(TargetGroupArn=target.group, Targets=[{"Id": alias}])

        assert target.ask().status == 200


def test_a_group_of_functions_is_not_checked_unless_it_says_so(cloud: Cloud) -> None:
    elb = cloud.client("elbv2")
    with standing(cloud, ECHO) as target:
        [described] = elb.describe_target_groups(TargetGroupArns=[target.group])["TargetGroups"]
        [health] = elb.describe_target_health(TargetGroupArn=target.group)[
            "TargetHealthDescriptions"
        ]
        [wanted] = [g for g in cloud.state()["target_groups"] if g["arn"] == target.group]

    assert described["HealthCheckEnabled"] is False
    assert described["HealthCheckIntervalSeconds"] == 35
    assert not described.keys() & {"Port", "Protocol", "VpcId"}
    assert health["Target"] == {"Id": target.function}
    assert health["TargetHealth"]["State"] == "unused"  # no listener leads to it
    assert wanted["health_check"]["enabled"] is False
    assert wanted["targets"][0]["address"] == urlsplit(cloud.url).hostname


def test_an_update_changes_the_form_of_events_and_the_concurrency(cloud: Cloud) -> None:
    with standing(cloud, ECHO) as target:
        cloud.updated(
            target.stack,
            {
                "Role": ROLE,
                "F": function(ECHO, ReservedConcurrentExecutions=0),
                "P": PERMISSION,
                "G": MULTI,
            },
            OUTPUTS,
        )
        assert target.ask().status == 502
        cloud.updated(
            target.stack, {"Role": ROLE, "F": function(ECHO), "P": PERMISSION, "G": MULTI}, OUTPUTS
        )

        assert target.ask().event["multiValueHeaders"]["host"] == ["lb.example"]


def test_one_environment_serves_one_request_at_a_time(cloud: Cloud) -> None:
    source = """
import os, time
running = []
def handler(event, context):
    running.append(1)
    alone = len(running) == 1
    time.sleep(0.2)
    running.pop()
    return {"statusCode": 200, "headers": {}, "isBase64Encoded": False,
            "body": f"{os.getpid()} {alone}"}
"""
    with standing(cloud, source) as target, ThreadPoolExecutor(4) as callers:
        bodies = [reply.body.decode() for reply in callers.map(lambda _: target.ask(), range(8))]

    assert len(set(bodies)) > 1
    assert all(body.endswith(" True") for body in bodies)


def test_rest_of_the_emulator_is_still_there(cloud: Cloud) -> None:
    answer: Any = cloud.client("sqs").list_queues()

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
