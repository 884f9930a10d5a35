"""What a container engine would know of the image, read from the Dockerfile's last stage.

The lab runs the image's command without an engine; the Dockerfile stays the only place where that
command is written. Only the instructions and forms that our Dockerfile uses are understood.
"""

import json
import re
import shlex
from typing import TypedDict

from deploy.artifacts.errors import BuildError


class Healthcheck(TypedDict):
    """In seconds, as the command line writes them, not in an engine's nanoseconds."""

    Test: list[str]
    Interval: int
    Timeout: int
    StartPeriod: int
    Retries: int


class ImageConfig(TypedDict):
    """The names of the OCI image configuration, where it has them."""

    Cmd: list[str]
    Env: dict[str, str]
    ExposedPorts: list[int]
    StopSignal: str
    User: str
    WorkingDir: str
    Healthcheck: Healthcheck


def image_config(dockerfile: str) -> ImageConfig:
    """Read the last stage.

    Variables that name a path inside the image are left out: they mean nothing outside it.
    """
    stage = _last_stage(dockerfile)
    try:
        workdir = stage["WORKDIR"][-1]
        variables = dict(pair.split("=", 1) for line in stage["ENV"] for pair in shlex.split(line))
        return ImageConfig(
            Cmd=json.loads(stage["CMD"][-1]),
            Env={name: value for name, value in variables.items() if workdir not in value},
            ExposedPorts=[int(port) for line in stage["EXPOSE"] for port in line.split()],
            StopSignal=stage["STOPSIGNAL"][-1],
            User=stage["USER"][-1].partition(":")[0],
            WorkingDir=workdir,
            Healthcheck=_healthcheck(stage["HEALTHCHECK"][-1]),
        )
    except (KeyError, ValueError) as error:
        raise BuildError(f"docker/Dockerfile: the last stage is not understood: {error}") from error


def _last_stage(dockerfile: str) -> dict[str, list[str]]:
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    stage: dict[str, list[str]] = {}
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "FROM":
            stage = {}
        elif word:
            stage.setdefault(word.upper(), []).append(rest.strip())
    return stage


def _healthcheck(text: str) -> Healthcheck:
    options = dict(re.findall(r"--([a-z-]+)=(\d+)s?\b", text))
    return Healthcheck(
        Test=["CMD", *json.loads(text[text.index("CMD") + len("CMD") :])],
        Interval=int(options["interval"]),
        Timeout=int(options["timeout"]),
        StartPeriod=int(options["start-period"]),
        Retries=int(options["retries"]),
    )
