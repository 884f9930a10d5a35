import pytest

from app.identity import identify
from app.settings import SettingError, Settings

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/messages"
NEEDED = {"NINEWAYS_QUEUE_URL": QUEUE_URL}


def test_the_queue_url_is_enough_on_aws() -> None:
    settings = Settings.from_env(NEEDED)

    assert settings == Settings(queue_url=QUEUE_URL, region="eu-west-1")
    assert settings.port == 8000


def test_everything_can_be_set() -> None:
    settings = Settings.from_env(
        {
            "NINEWAYS_QUEUE_URL": "http://127.0.0.1:4566/0/q",
            "AWS_REGION": "us-east-1",
            "NINEWAYS_VARIANT": "ec2_eip",
            "NINEWAYS_VERSION": "abc123",
            "NINEWAYS_COMPUTE_ID": "i-1",
            "NINEWAYS_HOST": "127.7.20.1",
            "NINEWAYS_PORT": "8080",
            "NINEWAYS_STAGE_PREFIX": "/live",
            "NINEWAYS_ROUTE_PREFIXES": "/keyed, cached/,",
            "NINEWAYS_LOG_LEVEL": "debug",
        }
    )

    assert settings == Settings(
        queue_url="http://127.0.0.1:4566/0/q",
        region="us-east-1",
        variant="ec2_eip",
        version="abc123",
        compute_id="i-1",
        host="127.7.20.1",
        port=8080,
        stage_prefix="/live",
        route_prefixes=("/keyed", "/cached"),
        log_level="DEBUG",
    )


@pytest.mark.parametrize("text", ["live", "/live", "/live/"])
def test_a_stage_prefix_is_understood_however_it_is_written(text: str) -> None:
    assert Settings.from_env(NEEDED | {"NINEWAYS_STAGE_PREFIX": text}).stage_prefix == "/live"


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "NINEWAYS_QUEUE_URL"),
        ({"NINEWAYS_QUEUE_URL": ""}, "NINEWAYS_QUEUE_URL"),
        ({"NINEWAYS_QUEUE_URL": "http://127.0.0.1:4566/0/q"}, "AWS_REGION"),
        (NEEDED | {"NINEWAYS_PORT": "http"}, "NINEWAYS_PORT"),
        (NEEDED | {"NINEWAYS_PORT": "0"}, "NINEWAYS_PORT"),
        (NEEDED | {"NINEWAYS_PORT": "65536"}, "NINEWAYS_PORT"),
        (NEEDED | {"NINEWAYS_PORT": "²"}, "NINEWAYS_PORT"),
        (NEEDED | {"NINEWAYS_LOG_LEVEL": "loud"}, "NINEWAYS_LOG_LEVEL"),
    ],
)
def test_what_is_missing_or_wrong_is_named(environment: dict[str, str], name: str) -> None:
    with pytest.raises(SettingError, match=name) as caught:
        Settings.from_env(environment)

    assert caught.value.name == name


@pytest.mark.parametrize(
    ("environment", "compute", "compute_id"),
    [
        ({"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_LOG_STREAM_NAME": "s"}, "lambda", "s"),
        ({"NINEWAYS_COMPUTE": "container", "NINEWAYS_COMPUTE_ID": "c-1"}, "container", "c-1"),
        ({"NINEWAYS_COMPUTE_ID": "i-0abc"}, "instance", "i-0abc"),
    ],
)
def test_the_service_knows_what_it_runs_on(
    environment: dict[str, str], compute: str, compute_id: str
) -> None:
    identity = identify(Settings.from_env(NEEDED | environment), environment)

    assert (identity.compute, identity.compute_id) == (compute, compute_id)


def test_an_unreachable_task_metadata_leaves_the_name_of_the_host() -> None:
    environment = {"ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:9"}

    identity = identify(Settings.from_env(NEEDED), environment)

    assert identity.compute == "container"
    assert identity.compute_id
