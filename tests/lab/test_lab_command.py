"""`nineways lab`, typed."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.lab import control
from deploy.lab.cli import app

pytestmark = pytest.mark.lab


@pytest.fixture
def name() -> Iterator[str]:
    name = f"test-{os.getpid()}"
    yield name
    control.down(name)


def run(*arguments: str, name: str, code: int = 0) -> Any:  # noqa: ANN401  JSON
    result = CliRunner().invoke(app, [*arguments, "--name", name, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_up_status_logs_down_all_speak_json(name: str) -> None:
    up = run("up", "--speed", "50", name=name)
    assert up["endpoint_url"] == f"http://127.{up['octet']}.0.1:4566"

    status = run("status", name=name)
    assert status["state"] == "up"
    assert status["info"]["parts"]["fleet"]["state"] == "running"
    assert status["edge"].keys() == {"complaints", "unsupported", "rejected", "targets"}
    assert status["delays"]["fargate-task"] == 30 / 50

    assert {"emulator", "envoy", "edge", "fleet", "supervisor"} <= set(run("logs", name=name))
    assert run("logs", "supervisor", name=name) == []

    assert run("down", name=name) == {"remains": {name: []}}


def test_status_of_a_lab_that_is_not_up_ends_with_three(name: str) -> None:
    assert run("status", name=name, code=3)["state"] == "down"


def test_status_shows_a_table_to_a_person(name: str) -> None:
    control.up(name)
    result = CliRunner().invoke(app, ["status"], env={"NINEWAYS_LAB": name})
    assert f"lab {name} is up" in result.stdout
    assert "emulator" in result.stdout
