import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner, Result

from deploy.account import AccountPlace
from deploy.catalog import VARIANTS
from deploy.cli import app
from deploy.console import Screen
from deploy.errors import BadInputError, PlaceNotThereError
from deploy.model import FOUNDATION
from deploy.places import Where
from tests.unit.deploy.cloudformation_in_memory import CloudFormationInMemory
from tests.unit.deploy.s3_in_memory import S3InMemory

Run = Callable[..., Result]


@dataclass
class Opener:
    """Opens the one place there is, and remembers which was asked for."""

    place: AccountPlace
    asked: Where | None = None

    def __call__(self, where: Where, screen: Screen, *, start: bool, yes: bool) -> AccountPlace:  # noqa: ARG002
        self.asked = where
        if where.lab == "nowhere":
            raise PlaceNotThereError("there is no such lab", remedy="`nineways lab up` starts it")
        return self.place


@pytest.fixture
def opener(place: AccountPlace) -> Opener:
    return Opener(place)


@pytest.fixture
def run(opener: Opener) -> Run:
    """Type a command; what it prints is in `stdout` and `stderr` of the result."""

    def type_in(*typed: str) -> Result:
        return CliRunner(env={"COLUMNS": "200"}).invoke(app, typed, obj=opener)

    return type_in


@pytest.fixture
def all_up(memory: CloudFormationInMemory, s3: S3InMemory) -> None:
    memory.stand(FOUNDATION.name, BucketName="the-bucket")
    s3.buckets["the-bucket"]["artifacts/bundle"] = b""
    for variant in VARIANTS:
        memory.stand(variant.url.stack, Url="http://127.0.0.1:9")


def test_list_shows_every_variant(run: Run) -> None:
    result = run("list")

    assert result.exit_code == 0
    assert all(variant.name in result.stdout for variant in VARIANTS)


def test_an_error_for_a_machine_is_json_in_place_of_the_answer(run: Run) -> None:
    result = run("url", "ec2-eip", "--lab", "nowhere", "--json")

    assert result.exit_code == PlaceNotThereError.exit_code
    assert json.loads(result.stdout) == {
        "error": {
            "message": "there is no such lab",
            "cause": "",
            "try": "`nineways lab up` starts it",
        }
    }
    assert "error: there is no such lab" in result.stderr


def test_list_for_a_machine_is_json(run: Run) -> None:
    listed = json.loads(run("list", "--json").stdout)

    assert [each["name"] for each in listed] == [variant.name for variant in VARIANTS]


def test_plan_prints_what_would_be_done_and_does_nothing(
    run: Run, opener: Opener, memory: CloudFormationInMemory
) -> None:
    result = run("plan", "ec2-eip")

    assert result.stdout.splitlines()[0].startswith("1. deploy stack nineways-foundation")
    assert opener.asked is None
    assert memory.stacks == {}


def test_an_unknown_variant_gets_one_clear_error(run: Run) -> None:
    result = run("up", "ec2-ip")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "error: there is no variant called 'ec2-ip'",
        "  try:   did you mean ec2-eip? `nineways list` shows them all",
    ]


def test_a_place_that_is_not_there_gets_one_clear_error(run: Run) -> None:
    result = run("status", "--lab", "nowhere")

    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        "error: there is no such lab",
        "  try:   `nineways lab up` starts it",
    ]


def test_without_credentials_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    result = CliRunner().invoke(app, ["status", "--on", "aws", "--region", "eu-west-1"])

    assert result.exit_code == 3
    assert "error: AWS does not know who you are" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_region_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    result = CliRunner().invoke(app, ["status", "--on", "aws"])

    assert result.exit_code == 3
    assert "error: no AWS region is chosen" in result.stderr


def test_a_stack_in_a_failed_state_gets_one_clear_error(
    run: Run, memory: CloudFormationInMemory
) -> None:
    memory.stand(FOUNDATION.name, "UPDATE_ROLLBACK_FAILED")

    result = run("up", "ec2-eip")

    assert result.exit_code == 1
    assert "error: stack nineways-foundation is in UPDATE_ROLLBACK_FAILED" in result.stderr
    assert "continue-update-rollback" in result.stderr


def test_the_place_is_chosen_by_option_or_environment(run: Run, opener: Opener) -> None:
    run("status", "--on", "aws", "--region", "eu-west-1", "--profile", "me")
    assert opener.asked
    assert opener.asked.typed == " --on aws --region eu-west-1 --profile me"

    run("status", "--lab", "second")
    assert opener.asked.typed == " --lab second"

    run("status")
    assert opener.asked.typed == ""


@pytest.mark.usefixtures("all_up")
def test_status_shows_where_each_answers_and_whether_it_does(run: Run) -> None:
    rows = json.loads(run("status", "--json").stdout)

    assert rows[0] == {
        "stack": FOUNDATION.name,
        "status": "CREATE_COMPLETE",
        "url": None,
        "ready": None,
    }
    assert rows[1]["url"] == "http://127.0.0.1:9"
    assert rows[1]["ready"] is False


def test_status_of_an_empty_place_says_so(run: Run) -> None:
    assert run("status").stdout == "nothing stands on lab\n"


@pytest.mark.usefixtures("all_up")
def test_url_prints_nothing_else(run: Run) -> None:
    assert run("url", "ec2-eip").stdout == "http://127.0.0.1:9\n"


@pytest.mark.usefixtures("all_up")
def test_down_of_one_keeps_the_foundation(run: Run) -> None:
    result = run("down", "ec2-eip", "--json")

    answer = json.loads(result.stdout)
    assert answer["deleted"] == ["nineways-ec2-eip"]
    assert FOUNDATION.name in answer["remaining"]


@pytest.mark.usefixtures("all_up")
def test_down_of_all_leaves_nothing(run: Run, s3: S3InMemory) -> None:
    answer = json.loads(run("down", "all", "--json").stdout)

    assert answer["remaining"] == []
    assert s3.buckets["the-bucket"] == {}


def test_down_where_nothing_stands_is_no_error(run: Run) -> None:
    result = run("down", "all")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["deleted: nothing", "still there: nothing"]


@pytest.mark.usefixtures("all_up")
def test_down_on_an_account_asks_first(run: Run, memory: CloudFormationInMemory) -> None:
    result = run("down", "all", "--on", "aws")

    assert result.exit_code == 4
    assert "delete stack nineways-ec2-eip" in result.stderr
    assert "pass --yes" in result.stderr
    assert {stack.status for stack in memory.stacks.values()} == {"CREATE_COMPLETE"}


@pytest.mark.usefixtures("all_up")
def test_only_ec2_eip_fails_over_by_hand(run: Run) -> None:
    result = run("failover", "apigw-lambda")

    assert result.exit_code == 2
    assert "no address to move" in result.stderr


@pytest.mark.usefixtures("all_up")
def test_an_interrupted_command_says_what_remains_and_how_to_remove_it(
    run: Run, memory: CloudFormationInMemory
) -> None:
    memory.ctrl_c = True

    result = run("down", "ec2-eip", "--lab", "mine")

    assert result.exit_code == 130
    assert "nineways-ec2-eip (CREATE_COMPLETE)" in result.stderr
    assert "`nineways down all --lab mine` removes them" in result.stderr


def test_the_exit_codes_are_in_the_help(run: Run) -> None:
    shown = run("--help").stdout

    assert "130 interrupted" in " ".join(shown.split())


def test_a_plan_shows_what_was_set(run: Run) -> None:
    result = run("plan", "alb-asg", "--set", "WarmPoolSize=2", "--set", "Baked=true")

    assert "from alb_asg/template.yaml with Baked=true, WarmPoolSize=2" in result.stdout


def test_a_setting_that_nobody_knows_changes_nothing(
    run: Run, memory: CloudFormationInMemory
) -> None:
    result = run("up", "alb-asg", "--set", "WarmPool=2")

    assert result.exit_code == BadInputError.exit_code
    assert "did you mean WarmPoolSize?" in result.stderr
    assert memory.stacks == {}
