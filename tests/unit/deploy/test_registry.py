# boto3's argument names are what is imitated here.
# ruff: noqa: N803

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from deploy.errors import NinewaysError
from deploy.registry import Registry, run

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient

URI = "123.dkr.ecr.eu-west-1.amazonaws.com/nineways"


@dataclass
class EcrInMemory:
    tags: set[str] = field(default_factory=set)

    def describe_images(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> None:
        assert repositoryName == "nineways"
        if imageIds[0]["imageTag"] not in self.tags:
            raise ClientError(
                {"Error": {"Code": "ImageNotFoundException", "Message": ""}}, "DescribeImages"
            )

    def get_authorization_token(self) -> dict[str, Any]:
        token = base64.b64encode(b"AWS:secret").decode()
        return {"authorizationData": [{"authorizationToken": token}]}


@dataclass
class Engine:
    """A container engine that remembers what it was asked and what it was told."""

    asked: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    def run(self, command: Sequence[str], text: str) -> None:
        self.asked.append((tuple(command), text))


def registry(ecr: EcrInMemory, engine: Engine) -> Registry:
    return Registry(URI, cast("ECRClient", ecr), lambda _: None, engine.run, lambda: "podman")


def test_an_image_is_built_for_its_processor_and_pushed_under_its_digest() -> None:
    engine = Engine()

    uri = registry(EcrInMemory(), engine).push("abc123", "arm64")

    assert uri == f"{URI}:abc123"
    build, login, push = (" ".join(command) for command, _ in engine.asked)
    assert build == (
        f"podman build --platform linux/arm64 --file docker/Dockerfile --tag {URI}:abc123 ."
    )
    assert login == (
        "podman login --username AWS --password-stdin 123.dkr.ecr.eu-west-1.amazonaws.com"
    )
    assert push == f"podman push {URI}:abc123"


def test_the_password_is_not_on_the_command_line() -> None:
    engine = Engine()

    registry(EcrInMemory(), engine).push("abc123", "x86_64")

    assert all("secret" not in " ".join(command) for command, _ in engine.asked)
    assert [text for command, text in engine.asked if "login" in command] == ["secret"]


def test_an_image_that_is_there_is_not_built_again() -> None:
    engine = Engine()

    uri = registry(EcrInMemory({"abc123"}), engine).push("abc123", "x86_64")

    assert uri == f"{URI}:abc123"
    assert engine.asked == []


def test_an_engine_that_fails_gives_its_last_line() -> None:
    with pytest.raises(NinewaysError) as caught:
        run(("sh", "-c", "echo no space left >&2; exit 3"), "")

    assert caught.value.cause == "no space left"
