"""HTTP backends, load balancers inside a VPC, functions and nobody, behind a REST API."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.contract.cloud.conftest import Cloud, Json, att, ref
from tests.contract.cloud.rest_api import Api, api, function, invocation, method, standing

pytestmark = pytest.mark.lab

PATH = {"integration.request.path.proxy": "method.request.path.proxy"}
ANY_PATH = {"method.request.path.proxy": True}


class Backend(BaseHTTPRequestHandler):
    """Says what it was asked, with headers of its own."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        asked = {
            "verb": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.rfile.read(length).decode(),
        }
        if "slow" in self.path:
            time.sleep(1)
        body = json.dumps(asked).encode()
        self.send_response(418 if "teapot" in self.path else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("WWW-Authenticate", "Basic")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(address: str, port: int = 0) -> Iterator[int]:
    server = ThreadingHTTPServer((address, port), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def fronted(cloud: Cloud) -> Iterator[Api]:
    with serving("127.0.0.1") as port, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = nobody.getsockname()[1]
        base = f"http://${{stageVariables.host}}:{port}"

        def http(uri: str, kind: str = "HTTP_PROXY", **more: object) -> Json:
            return {"Type": kind, "IntegrationHttpMethod": "ANY", "Uri": uri, **more}

        mapped = {
            **PATH,
            "integration.request.header.X-Stage": "context.stage",
            "integration.request.header.X-Fixed": "'fixed'",
            "integration.request.querystring.who": "method.request.header.X-Who",
        }
        custom = {
            "IntegrationHttpMethod": "POST",
            "PassthroughBehavior": "NEVER",
            "RequestTemplates": {"application/json": "{\"wrapped\": $input.json('$.a')}"},
            "IntegrationResponses": [
                {
                    "StatusCode": "200",
                    "ResponseTemplates": {"application/json": "got $input.path('$.body')"},
                },
                {"StatusCode": "503", "SelectionPattern": "4\\d\\d"},
            ],
        }
        declared = [{"StatusCode": "200"}, {"StatusCode": "503"}]
        yield standing(
            cloud,
            api(
                method(
                    "/all/{proxy+}",
                    http(f"{base}/below/{{proxy}}", RequestParameters=mapped),
                    verb="ANY",
                    RequestParameters={**ANY_PATH, "method.request.header.X-Who": False},
                ),
                method("/slow", http(f"{base}/slow", TimeoutInMillis=300)),
                method("/dead", http(f"http://127.0.0.1:{dead}/")),
                method("/nowhere", http("ftp://127.0.0.1/")),
                method(
                    "/custom",
                    http(f"{base}/custom", "HTTP", **custom),
                    verb="POST",
                    MethodResponses=declared,
                ),
                method(
                    "/teapot",
                    http(f"{base}/teapot", "HTTP", **custom),
                    verb="POST",
                    MethodResponses=declared,
                ),
                stage={"Variables": {"host": "127.0.0.1"}},
            ),
        )


def test_a_backend_gets_the_request_and_the_client_its_answer(fronted: Api) -> None:
    answer = fronted.ask(
        "/all/a%20b/c?x=1&x=2&y=%26",
        verb="PUT",
        body=b"hello",
        X_Who="me",
        Content_Type="text/plain",
        Accept="a/b",
    )
    asked = answer.json

    assert (asked["verb"], asked["body"]) == ("PUT", "hello")
    assert asked["path"] == "/below/a%20b/c?x=1&x=2&y=%26&who=me"
    headers = asked["headers"]
    assert headers["host"].startswith("127.0.0.1:")
    assert (headers["accept"], headers["content-type"]) == ("a/b", "text/plain")
    assert (headers["x-stage"], headers["x-fixed"]) == ("live", "fixed")
    assert headers["x-amzn-trace-id"] == answer.headers["X-Amzn-Trace-Id"]
    assert headers["x-amzn-apigateway-api-id"] == fronted.id
    assert "user-agent" not in headers, "the gateway adds none that the client did not send"
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers["x-amzn-Remapped-WWW-Authenticate"] == "Basic"
    assert answer.headers["x-amzn-Remapped-Server"].startswith("BaseHTTP")
    assert answer.headers["WWW-Authenticate"] is None


def test_a_status_of_the_backend_is_the_clients(fronted: Api) -> None:
    assert fronted.ask("/all/teapot").status == 418


def test_a_backend_that_is_late_or_away_is_504(fronted: Api) -> None:
    late, away, wrong = (fronted.ask(path) for path in ("/slow", "/dead", "/nowhere"))

    assert (late.status, late.json) == (504, {"message": "Endpoint request timed out"})
    message = "Network error communicating with endpoint"
    assert (away.status, away.json) == (504, {"message": message})
    assert (wrong.status, wrong.json) == (500, {"message": "Internal server error"})


def test_a_mapped_backend_gets_and_gives_what_the_templates_say(fronted: Api) -> None:
    body = b'{"a": [1]}'

    custom = fronted.ask("/custom", verb="POST", body=body, X_Who="me")
    text = fronted.ask("/custom", verb="POST", body=body, Content_Type="text/plain")
    teapot = fronted.ask("/teapot", verb="POST", body=body)

    assert (custom.status, custom.body) == (200, b'got {"wrapped": [1]}')
    assert custom.headers["Set-Cookie"] is None, "only what is mapped comes back"
    assert (text.status, text.json) == (415, {"message": "Unsupported Media Type"})
    assert teapot.status == 503


# ---- Through a VPC ----


def test_a_vpc_link_leads_to_the_load_balancer_with_the_stage_in_the_path(cloud: Cloud) -> None:
    network: Json = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        **{
            f"Subnet{n}": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": ref("Vpc"), "CidrBlock": f"10.0.{n}.0/24"},
            }
            for n in (1, 2)
        },
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Subnets": [ref("Subnet1"), ref("Subnet2")], "Scheme": "internal"},
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": ref("Balancer"),
                "Port": 8080,
                "Protocol": "HTTP",
                "DefaultActions": [
                    {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
                ],
            },
        },
        "Link": {
            "Type": "AWS::ApiGatewayV2::VpcLink",
            "Properties": {"Name": "inside", "SubnetIds": [ref("Subnet1"), ref("Subnet2")]},
        },
    }

    def through(target: Json) -> Json:
        return {
            "Type": "HTTP_PROXY",
            "IntegrationHttpMethod": "ANY",
            "ConnectionType": "VPC_LINK",
            "ConnectionId": ref("Link"),
            "IntegrationTarget": target,
            "Uri": {"Fn::Sub": "http://${Balancer.DNSName}/{proxy}"},
            "RequestParameters": PATH,
        }

    private = standing(
        cloud,
        api(
            network,
            method("/one/{proxy+}", through(ref("Balancer")), RequestParameters=ANY_PATH),
            method("/two/{proxy+}", through(ref("Listener")), RequestParameters=ANY_PATH),
        ),
        {"Address": att("Balancer", "DNSName")},
    )
    address = private.stack.outputs["Address"]

    with serving(address, 8080):
        by_balancer, by_listener = private.ask("/one/a/b?c=d").json, private.ask("/two/a").json

    assert by_balancer["path"] == "/live/a/b?c=d"
    assert by_balancer["headers"]["host"] == address
    assert by_listener["path"] == "/live/a"
    assert cloud.deleted(private.stack.name) == "DELETE_COMPLETE"


def test_a_vpc_link_changes_its_name_in_place_and_its_network_by_replacement(cloud: Cloud) -> None:
    def link(name: str, subnet: str) -> Json:
        properties = {"Name": name, "SubnetIds": [subnet]}
        return {"Link": {"Type": "AWS::ApiGatewayV2::VpcLink", "Properties": properties}}

    outputs = {"Id": ref("Link"), "Same": att("Link", "VpcLinkId")}
    first = cloud.created(link("one", "subnet-1"), outputs)
    renamed = cloud.updated(first.name, link("two", "subnet-1"), outputs)
    moved = cloud.updated(first.name, link("two", "subnet-2"), outputs)

    assert first.outputs["Id"] == first.outputs["Same"] == renamed.outputs["Id"]
    assert moved.outputs["Id"] != first.outputs["Id"]
    assert cloud.deleted(first.name) == "DELETE_COMPLETE"


# ---- Functions with templates, and no backend at all ----


def test_a_function_behind_templates_gets_its_event_and_errors_choose_the_answer(
    cloud: Cloud,
) -> None:
    source = (
        "def handler(event, context):\n"
        "    if event['name'] == 'bad': raise ValueError('Refused: bad')\n"
        "    return {'hello': event['name']}\n"
    )
    integration = {
        "Type": "AWS",
        "IntegrationHttpMethod": "POST",
        "Uri": invocation(),
        "RequestTemplates": {"application/json": '{"name": "$input.params(\'name\')"}'},
        "IntegrationResponses": [
            {"StatusCode": "200"},
            {
                "StatusCode": "400",
                "SelectionPattern": "Refused.*",
                "ResponseTemplates": {
                    "application/json": '{"why": "$input.path(\'$.errorMessage\')"}'
                },
            },
        ],
    }
    declared = [{"StatusCode": "200"}, {"StatusCode": "400"}]
    custom = standing(
        cloud, api(function(source), method("/", integration, MethodResponses=declared))
    )

    good, bad = custom.ask("/?name=you"), custom.ask("/?name=bad")

    assert (good.status, good.json) == (200, {"hello": "you"})
    assert (bad.status, bad.json) == (400, {"why": "Refused: bad"})
    cloud.deleted(custom.stack.name)


def test_a_mock_answers_by_itself(cloud: Cloud) -> None:
    integration = {
        "Type": "MOCK",
        "RequestTemplates": {"application/json": '{"statusCode": 201}'},
        "IntegrationResponses": [
            {
                "StatusCode": "201",
                "SelectionPattern": "201",
                "ResponseTemplates": {
                    "application/json": '{"id": "$context.requestId", "v": "$stageVariables.v"}'
                },
                "ResponseParameters": {"method.response.header.X-Id": "context.requestId"},
            }
        ],
    }
    responses = [{"StatusCode": "201", "ResponseParameters": {"method.response.header.X-Id": True}}]
    mocked = standing(
        cloud,
        api(
            method("/", integration, MethodResponses=responses),
            stage={"Variables": {"v": "one"}},
        ),
    )

    answer = mocked.ask("/")

    assert answer.status == 201
    assert answer.json == {"id": answer.headers["x-amzn-RequestId"], "v": "one"}
    assert answer.headers["X-Id"] == answer.headers["x-amzn-RequestId"]
    cloud.deleted(mocked.stack.name)
