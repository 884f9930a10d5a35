"""A function behind a load balancer, with everything real: Envoy, the edge, the emulator."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.lab import control
from deploy.waiting import Patience
from tests.lab.conftest import Labs

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "isBase64Encoded": False, "body": json.dumps(event),
            "multiValueHeaders": {"content-type": ["application/json"]},
            "headers": {"content-type": "application/json"}}
"""
FUNCTION = {
    "Runtime": "python3.13",
    "Handler": "index.handler",
    "Role": "arn:aws:iam::000000000000:role/function",
    "Code": {"ZipFile": ECHO},
    "Timeout": 5,
}
soon = Patience(every_s=0.05)
Event = dict[str, Any]


@dataclass(frozen=True)
class Balancer:
    """Two listeners of one load balancer: one speaks in lists, one in single values."""

    host: str
    elb: Any
    checked_group: str

    def say(self, raw: bytes, *, port: int = 8080) -> tuple[str, bytes]:
        """What comes back for these very bytes: the status line, and the body."""
        with socket.create_connection((self.host, port), timeout=20) as connection:
            connection.sendall(raw)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.split(b"\r\n")[0].decode(), body

    def event(self, raw: bytes, *, port: int = 8080) -> Event:
        status, body = self.say(raw, port=port)
        assert status == "HTTP/1.1 200 OK", (status, body)
        event: Event = json.loads(body)
        return event


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    labs = Labs(Path(tmp_path_factory.mktemp("lab")).resolve() / "labs", [])
    info = labs.up(emulator=None)
    try:
        stacks, elb = labs.client(info, "cloudformation"), labs.client(info, "elbv2")
        stacks.create_stack(StackName="s", TemplateBody=json.dumps(template()))
        stacks.get_waiter("stack_create_complete").wait(
            StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        [stack] = stacks.describe_stacks(StackName="s")["Stacks"]
        given = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        made = Balancer(given["Host"], elb, given["Single"])
        # A group that checks its function's health sends it nothing before the first check.
        soon.until(lambda: answers(made, 8080) and answers(made, 8081), what="200", timeout_s=30)
        yield made
    finally:
        for name in control.names(labs.root):
            labs.down(name)


def template() -> Event:
    permission = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": "F"},
        "Principal": "elasticloadbalancing.amazonaws.com",
    }
    group = {"TargetType": "lambda", "Targets": [{"Id": {"Fn::GetAtt": ["F", "Arn"]}}]}
    lists = {"Key": "lambda.multi_value_headers.enabled", "Value": "true"}
    kinds: dict[str, tuple[str, Event]] = {
        "F": ("AWS::Lambda::Function", FUNCTION),
        "P": ("AWS::Lambda::Permission", permission),
        "B": ("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Subnets": ["subnet-1", "subnet-2"]}),
    }
    resources: Event = {
        name: {"Type": kind, "Properties": properties} for name, (kind, properties) in kinds.items()
    }
    groups = {
        "Lists": (8080, {**group, "TargetGroupAttributes": [lists]}),
        "Single": (
            8081,
            {**group, "HealthCheckEnabled": True, "HealthCheckIntervalSeconds": 35},
        ),
    }
    for name, (port, properties) in groups.items():
        resources[name] = {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "DependsOn": "P",
            "Properties": properties,
        }
        resources[f"On{name}"] = {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "B"},
                "Port": port,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": name}}],
            },
        }
    outputs = {
        "Host": {"Value": {"Fn::GetAtt": ["B", "DNSName"]}},
        "Single": {"Value": {"Ref": "Single"}},
    }
    return {"Resources": resources, "Outputs": outputs}


def answers(balancer: Balancer, port: int) -> bool:
    try:
        return balancer.say(request("GET /"), port=port)[0] == "HTTP/1.1 200 OK"
    except OSError:
        return False


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    length = [f"Content-Length: {len(body)}"] if body else []
    head = "\r\n".join([f"{line} HTTP/1.1", "Host: lb", *headers, *length, "Connection: close"])
    return f"{head}\r\n\r\n".encode() + body


def test_the_event_has_what_the_load_balancer_adds(balancer: Balancer) -> None:
    event = balancer.event(request("GET /?a=1&a=2&b", "X-Forwarded-For: 2001:db8::7"))
    headers = event["multiValueHeaders"]

    assert event["requestContext"]["elb"]["targetGroupArn"].split(":")[5] != ""
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert headers.pop("x-amzn-trace-id")[0].startswith("Root=1-")
    assert headers == {
        "host": ["lb"],
        "x-forwarded-for": ["2001:db8::7, 127.0.0.1"],
        "x-forwarded-port": ["8080"],
        "x-forwarded-proto": ["http"],
    }


def test_without_lists_the_last_value_wins(balancer: Balancer) -> None:
    event = balancer.event(request("GET /?a=1&a=2", "Cookie: a=1", "Cookie: b=2"), port=8081)

    assert event["queryStringParameters"] == {"a": "2"}
    assert event["headers"]["cookie"] == "b=2"
    assert event["headers"]["x-forwarded-port"] == "8081"


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "//a//b/../c/./d",
        "/%2e%2e/%2F%zz%",
        "/caf%C3%A9?q=%C3%A9+%20%26",
        "/a;b=c,d!$'()*+@:~",
        "/_lab/state",
        "/?&&a&=b&c==d&%&e[]=1&e[]=2",
        "/" + "x" * 4000,
    ],
)
def test_a_target_arrives_as_it_was_written(balancer: Balancer, target: str) -> None:
    event = balancer.event(request(f"GET {target}"))

    path, _, query = target.partition("?")
    assert event["path"] == path
    pairs = sum(map(len, event["multiValueQueryStringParameters"].values()))
    assert pairs == len([pair for pair in query.split("&") if pair])


def test_a_body_in_chunks_arrives_whole(balancer: Balancer) -> None:
    head = "POST / HTTP/1.1\r\nHost: lb\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    event = balancer.event(head.encode() + b"3\r\n\x00\xff\x80\r\n2\r\nab\r\n0\r\n\r\n")

    assert base64.b64decode(event["body"]) == b"\x00\xff\x80ab"
    assert "transfer-encoding" not in event["multiValueHeaders"]


def test_a_client_may_speak_http_1_0(balancer: Balancer) -> None:
    status, body = balancer.say(b"GET /old HTTP/1.0\r\nHost: lb\r\n\r\n")

    assert status.split()[1] == "200"
    assert json.loads(body)["path"] == "/old"


def test_a_megabyte_and_a_byte_is_too_much(balancer: Balancer) -> None:
    status, page = balancer.say(request("POST /", body=b"x" * (2**20 + 1)))

    assert status.split()[1] == "413"
    assert b"413 Request Entity Too Large" in page


def test_health_checks_invoke_the_function_when_they_are_on(balancer: Balancer) -> None:
    def state() -> str:
        [target] = balancer.elb.describe_target_health(TargetGroupArn=balancer.checked_group)[
            "TargetHealthDescriptions"
        ]
        return str(target["TargetHealth"]["State"])

    soon.until(lambda: state() == "healthy", what="the function to be healthy", timeout_s=30)
