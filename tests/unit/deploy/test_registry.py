# boto3's argument names are what is imitated here.
# ruff: noqa: N803

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from deploy.artifacts.container import Engine
from deploy.artifacts.errors import BuildError
from deploy.artifacts.target import Target
from deploy.registry import Registry

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


@dataclass(frozen=True)
class EngineInMemory(Engine):
    """A container engine that remembers what it was asked and what it was told."""

    program: str = "podman"
    asked: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    def run(self, *arguments: str, text: str = "") -> str:
        self.asked.append((arguments, text))
        return ""


def registry(ecr: EcrInMemory, engine: Engine) -> Registry:
    return Registry(URI, cast("ECRClient", ecr), lambda _: None, lambda: engine)


def test_an_image_is_built_for_its_processor_and_pushed_under_its_digest() -> None:
    engine = EngineInMemory()

    uri = registry(EcrInMemory(), engine).push("abc123", Target("3.13", "arm64"))

    assert uri == f"{URI}:abc123"
    build, login, push = (" ".join(command) for command, _ in engine.asked)
    assert build.startswith("build --platform linux/arm64 ")
    assert f"--tag {URI}:abc123 " in build
    assert login == "login --username AWS --password-stdin 123.dkr.ecr.eu-west-1.amazonaws.com"
    assert push == f"push {URI}:abc123"


def test_the_password_is_not_on_the_command_line() -> None:
    engine = EngineInMemory()

    registry(EcrInMemory(), engine).push("abc123", Target("3.13", "x86_64"))

    assert all("secret" not in " ".join(command) for command, _ in engine.asked)
    assert [text for command, text in engine.asked if "login" in command] == ["secret"]


def test_an_image_that_is_there_is_not_built_again() -> None:
    engine = EngineInMemory()

    uri = registry(EcrInMemory({"abc123"}), engine).push("abc123", Target("3.13", "x86_64"))

    assert uri == f"{URI}:abc123"
    assert engine.asked == []


def test_an_engine_that_fails_gives_its_last_lines() -> None:
    with pytest.raises(BuildError, match="no space left"):
        Engine("sh").run("-c", "echo no space left >&2; exit 3")
