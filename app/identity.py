"""Who answers: which variant, on which piece of compute, for how long already."""

import json
import logging
import platform
import socket
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from app.settings import Settings

Compute: TypeAlias = Literal["instance", "container", "lambda"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """One running copy of the service."""

    variant: str
    version: str
    compute: Compute
    compute_id: str
    python: str = field(default_factory=platform.python_version)
    started_s: float = field(default_factory=time.monotonic)

    def up_s(self) -> float:
        """Say how long this copy has been up."""
        return time.monotonic() - self.started_s


def identify(settings: Settings, environment: Mapping[str, str]) -> Identity:
    """Find out where we run; a name that cannot be found out becomes the host's name."""
    compute = _compute(environment)
    return Identity(
        variant=settings.variant,
        version=settings.version,
        compute=compute,
        compute_id=settings.compute_id or _own_id(environment) or socket.gethostname(),
    )


def _compute(environment: Mapping[str, str]) -> Compute:
    if "AWS_LAMBDA_FUNCTION_NAME" in environment:
        return "lambda"
    # The image says so itself; ECS says so of every task.
    if (
        environment.get("NINEWAYS_COMPUTE") == "container"
        or "ECS_CONTAINER_METADATA_URI_V4" in environment
    ):
        return "container"
    return "instance"


def _own_id(environment: Mapping[str, str]) -> str | None:
    # Each execution environment of a function writes a log stream of its own.
    if stream := environment.get("AWS_LAMBDA_LOG_STREAM_NAME"):
        return stream
    if metadata := environment.get("ECS_CONTAINER_METADATA_URI_V4"):
        return _task_id(metadata)
    return None


def _task_id(metadata_url: str) -> str | None:
    try:
        # Asked once, at the start: two copies that go by one name for good are worse than waiting.
        with urllib.request.urlopen(f"{metadata_url}/task", timeout=5) as answer:  # noqa: S310 - the URL is from ECS
            return str(json.load(answer)["TaskARN"]).rpartition("/")[2]
    except (OSError, ValueError, LookupError) as error:
        log.warning("the task's metadata cannot be read: %s", error)
        return None
