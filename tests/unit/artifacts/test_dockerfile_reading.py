"""The lab reads the image's command out of the Dockerfile; the Dockerfile stays the truth."""

import re

import pytest

from deploy.artifacts import BuildError
from deploy.artifacts.builder import PROJECT
from deploy.artifacts.dockerfile import image_config

DOCKERFILE = (PROJECT / "docker" / "Dockerfile").read_text()


def test_our_dockerfile_says_how_the_service_is_run() -> None:
    config = image_config(DOCKERFILE)

    assert config["Cmd"] == ["python", "-m", "app.entrypoints.web"]
    assert config["ExposedPorts"] == [8000]
    assert config["StopSignal"] == "SIGTERM"
    assert config["User"] == "10001"
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    assert config["Healthcheck"]["Interval"] == 10


def test_variables_that_name_a_path_inside_the_image_are_left_out() -> None:
    variables = image_config(DOCKERFILE)["Env"]

    assert variables["PYTHONUNBUFFERED"] == "1"
    assert "PYTHONPATH" not in variables


def test_only_the_last_stage_counts() -> None:
    earlier = 'FROM base AS earlier\nCMD ["other"]\nENV OTHER=1\n'

    assert image_config(earlier + DOCKERFILE) == image_config(DOCKERFILE)


def test_a_last_stage_without_a_command_is_an_error_that_names_the_file() -> None:
    without = re.sub(r"^CMD .*$", "", DOCKERFILE, flags=re.MULTILINE)

    with pytest.raises(BuildError, match=r"docker/Dockerfile.*CMD"):
        image_config(without)
