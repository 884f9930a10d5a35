"""What `nineways build` says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from deploy.artifacts import Built, Target
from deploy.artifacts.cli import as_plain, as_table
from deploy.cli import app
from deploy.model import Artifact

ZIP = Built(
    Artifact.LAMBDA_ZIP,
    Path("lambda.zip"),
    "0123456789ab",
    Target("3.13", "arm64"),
    compiled=False,
    fresh=True,
    size_bytes=3_200_000,
)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--python", "3.10"], "3.11, 3.12, 3.13, 3.14; not for '3.10'"),
        (["--arch", "riscv"], "x86_64 and arm64; not for 'riscv'"),
    ],
)
def test_a_target_that_does_not_exist_is_one_clear_error(arguments: list[str], reason: str) -> None:
    result = CliRunner().invoke(app, ["build", *arguments])

    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_the_table_says_made_or_unchanged_compiled_or_not_size_and_digest() -> None:
    console = Console(width=80, record=True, quiet=False)
    with console.capture() as captured:
        console.print(as_table([ZIP, replace(ZIP, fresh=False, compiled=True)], ZIP.target))

    made, unchanged = captured.get().splitlines()[-2:]
    assert made.split() == ["lambda-zip", "made", "not", "compiled", "3.2", "MB", "0123456789ab"]
    assert unchanged.split()[1:3] == ["unchanged", "compiled"]


def test_programs_get_the_same_as_json() -> None:
    assert json.loads(json.dumps(as_plain(ZIP))) == {
        "artifact": "lambda-zip",
        "path": "lambda.zip",
        "digest": "0123456789ab",
        "python": "3.13",
        "arch": "arm64",
        "compiled": False,
        "fresh": True,
        "size_bytes": 3_200_000,
    }
