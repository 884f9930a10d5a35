"""Build the service's image with a container engine and push it to ECR."""

import base64
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deploy.errors import NinewaysError
from deploy.telling import Tell

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient

PROJECT = Path(__file__).parents[1]

_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}

# Runs a command with a text on its standard input; raises when it fails.
Run = Callable[[Sequence[str], str], None]


def find_engine() -> str:
    """Name the container engine of this machine."""
    for engine in ("podman", "docker"):
        if shutil.which(engine):
            return engine
    raise NinewaysError(
        "there is no container engine on this machine",
        cause="the image is built here before it is pushed to ECR",
        remedy="install podman or Docker; the lab and the other variants need neither",
    )


def run(command: Sequence[str], text: str) -> None:
    """Run a command of the engine in the project's folder."""
    done = subprocess.run(  # noqa: S603  our own command, no shell
        command, input=text, cwd=PROJECT, check=False, capture_output=True, text=True
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise NinewaysError(f"`{' '.join(command[:2])}` failed", cause=last[0])


@dataclass(frozen=True)
class Registry:
    """The image repository of the foundation."""

    uri: str
    ecr: "ECRClient"
    tell: Tell
    run: Run = run
    find_engine: Callable[[], str] = find_engine

    def push(self, tag: str, arch: str) -> str:
        """Push the image under its tag unless it is there already, and say its URI."""
        host, _, name = self.uri.partition("/")
        uri = f"{self.uri}:{tag}"
        if self._is_there(name, tag):
            return uri
        engine, platform = self.find_engine(), _PLATFORMS[arch]
        self.tell(f"building {uri} with {engine}")
        dockerfile = ("--platform", platform, "--file", "docker/Dockerfile")
        self.run((engine, "build", *dockerfile, "--tag", uri, "."), "")
        answer = self.ecr.get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
        self.run((engine, "login", "--username", user, "--password-stdin", host), password)
        self.tell(f"pushing {uri}")
        self.run((engine, "push", uri), "")
        return uri

    def _is_there(self, name: str, tag: str) -> bool:
        try:
            self.ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ImageNotFoundException":
                return False
            raise
        return True
