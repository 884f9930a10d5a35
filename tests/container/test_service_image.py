"""The real Dockerfile, built and run."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from deploy.artifacts import BuildError
from deploy.artifacts.container import Engine

# The first test may have to make a base image.
pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

SETTINGS = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "NINEWAYS_QUEUE_URL": "http://127.0.0.1:9/000000000000/queue",
    "NINEWAYS_VARIANT": "alb_ecs_fargate",
}
ASK = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).read().decode())"


class Container:
    """One running container of the service, with a network of its own: loopback, nothing else."""

    def __init__(self, engine: Engine, image: str) -> None:
        self.engine = engine
        self.name = f"nineways-test-{uuid4().hex[:8]}"
        environment = [part for pair in SETTINGS.items() for part in ("--env", "=".join(pair))]
        options = ("--detach", "--name", self.name, "--read-only", "--network", "none")
        engine.run("run", *options, "--cap-drop", "all", *environment, image)

    def ask(self, path: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:8000{path}"
        told = self.engine.run("exec", self.name, "python", "-c", ASK, url)
        said: dict[str, Any] = json.loads(told)
        return said

    def wait_until_it_answers(self, timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            with suppress(BuildError):
                self.ask("/healthz")
                return
            assert time.monotonic() < deadline, self.engine.run("logs", self.name)
            time.sleep(0.2)

    def look_up(self, what: str) -> str:
        return self.engine.run("inspect", "--format", f"{{{{{what}}}}}", self.name).strip()


@pytest.fixture(scope="module")
def container(engine: Engine, service_image: str) -> Iterator[Container]:
    container = Container(engine, service_image)
    try:
        container.wait_until_it_answers()
        yield container
    finally:
        engine.run("rm", "--force", container.name)


def test_it_serves_with_a_read_only_root_and_no_capabilities(container: Container) -> None:
    with pytest.raises(BuildError, match="Read-only file system"):
        container.engine.run("exec", container.name, "touch", "/srv/nineways/new")
    assert container.ask("/healthz")


def test_it_is_nobody_who_has_rights(container: Container) -> None:
    assert container.engine.run("exec", container.name, "id", "-u").strip() == "10001"


def test_whoami_says_container(container: Container) -> None:
    told = container.ask("/whoami")

    assert told["compute"] == "container"
    assert told["variant"] == "alb_ecs_fargate"


def test_its_health_check_passes(container: Container) -> None:
    test = json.loads(container.look_up("json .Config.Healthcheck.Test"))

    assert test[0] == "CMD"
    container.engine.run("exec", container.name, *test[1:])


def test_everything_it_imports_is_compiled(container: Container) -> None:
    look = (
        "import app.entrypoints.web, os, sys; print([n for n, m in sys.modules.items() "
        "if (getattr(m, '__file__', None) or '').startswith('/srv') and m.__file__.endswith('.py') "
        "and not os.path.exists(m.__cached__)])"
    )

    assert container.engine.run("exec", container.name, "python", "-c", look).strip() == "[]"


def test_the_image_brings_no_tools_to_install_with(container: Container) -> None:
    brought = container.engine.run("exec", container.name, "ls", "/srv/nineways/site-packages")

    assert {"pip", "setuptools", "bin"}.isdisjoint(brought.split())


def test_it_stops_when_asked_to(engine: Engine, service_image: str) -> None:
    container = Container(engine, service_image)
    try:
        container.wait_until_it_answers()
        engine.run("stop", "--time", "20", container.name)

        # An engine that lost patience would have killed it: 137.
        assert container.look_up(".State.ExitCode") == "0"
    finally:
        engine.run("rm", "--force", container.name)


def test_it_says_what_is_missing_when_it_is_not_configured(
    engine: Engine, service_image: str
) -> None:
    with pytest.raises(BuildError, match="NINEWAYS_QUEUE_URL is not set"):
        engine.run("run", "--rm", "--network", "none", service_image)


def test_the_lambda_image_has_a_handler_that_imports(engine: Engine, lambda_image: str) -> None:
    environment = [part for pair in SETTINGS.items() for part in ("--env", "=".join(pair))]
    load = "from app.entrypoints.lambda_http import handler; print(callable(handler))"

    told = engine.run(
        *("run", "--rm", "--network", "none", "--read-only", *environment),
        *("--env", "AWS_LAMBDA_FUNCTION_NAME=test", lambda_image, "python", "-c", load),
    )

    assert told.strip() == "True"
    command = engine.run("inspect", "--format", "{{json .Config.Cmd}}", lambda_image)
    assert json.loads(command) == ["app.entrypoints.lambda_http.handler"]
