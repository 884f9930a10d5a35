"""The project's own REST APIs change, and what they change to is served."""

import http.server
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.contract.cloud.conftest import Agents, Cloud, Stack
from tests.contract.cloud.rest_api import Api
from tests.contract.cloud.test_cloud_templates import (
    FOLDER,
    known,  # noqa: F401 - a fixture
    stood_up,
)

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("agents")]

LAMBDA_API = (FOLDER / "apigw_lambda" / "template.yaml").read_text()
DEPLOYMENT = re.compile(r"\bDeployment[0-9a-f]{8}")


def of(cloud: Cloud, stack: Stack) -> Api:
    return Api(cloud, replace(stack, outputs={**stack.outputs, "Id": stack.outputs["ApiId"]}))


def test_an_api_is_served_as_it_was_until_its_deployment_has_a_new_name(
    cloud: Cloud,
    known: dict[str, str],  # noqa: F811 - the fixture
) -> None:
    api = of(cloud, stood_up(cloud, "apigw_lambda", known))
    other_words = LAMBDA_API.replace("an API key is needed", "no key, no answer")

    def message() -> object:
        return api.ask("/keyed/whoami").json["error"]["message"]

    stood_up(cloud, "apigw_lambda", known, update=True, body=other_words)
    forgotten = message()
    renamed = DEPLOYMENT.sub("Deployment01234567", other_words)
    stood_up(cloud, "apigw_lambda", known, update=True, body=renamed)

    assert forgotten == "an API key is needed: x-api-key"
    assert message() == "no key, no answer: x-api-key"
    assert cloud.deleted("apigw-lambda") == "DELETE_COMPLETE"


def test_what_can_be_set_holds_without_a_deployment(
    cloud: Cloud,
    known: dict[str, str],  # noqa: F811 - the fixture
) -> None:
    stack = stood_up(cloud, "apigw_lambda", {**known, "KeyQuota": "1"})
    api = of(cloud, stack)
    key = cloud.client("apigateway").get_api_key(
        apiKey=stack.outputs["ApiKeyId"], includeValue=True
    )

    def asked() -> int:
        return api.ask("/keyed/whoami", x_api_key=key["value"]).status

    before = [asked(), asked()]
    stood_up(cloud, "apigw_lambda", {**known, "KeyQuota": "3"}, update=True)

    assert before == [200, 429]
    assert asked() == 200
    assert cloud.deleted("apigw-lambda") == "DELETE_COMPLETE"


def test_a_server_outside_comes_moves_and_goes(
    cloud: Cloud,
    agents: Agents,
    known: dict[str, str],  # noqa: F811 - the fixture
) -> None:
    del agents
    server = stood_up(cloud, "alb_ecs_fargate", {**known, "Scheme": "internal"})
    fed = {
        **known,
        "LoadBalancerArn": server.outputs["LoadBalancerArn"],
        "BackendUrl": server.outputs["Url"],
    }

    def elsewhere(server_url: str, *, update: bool = True) -> tuple[int, bytes]:
        given: Mapping[str, str] = {**fed, "ServerUrl": server_url}
        api = of(cloud, stood_up(cloud, "apigw_http", given, update=update))
        answer = api.ask("/elsewhere/a%20b?c=d")
        return answer.status, answer.body

    with answering("one") as one, answering("other") as other:
        # Nobody stands in for the load balancer here.
        without, _ = elsewhere("", update=False)
        first, moved, below = elsewhere(one), elsewhere(other), elsewhere(f"{one}/api")
        secure, _ = elsewhere(one.replace("http:", "https:"))
        gone, _ = elsewhere("")

    assert first == (200, b"one: /a%20b?c=d")
    assert moved == (200, b"other: /a%20b?c=d")
    assert below == (200, b"one: /api/a%20b?c=d")
    assert {without, secure, gone} == {504}
    assert cloud.deleted("apigw-http") == "DELETE_COMPLETE"
    assert cloud.deleted("alb-ecs-fargate") == "DELETE_COMPLETE"


@contextmanager
def answering(name: str) -> Iterator[str]:
    """A server that says its name and what it was asked for; gives its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{name}: {self.path}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
