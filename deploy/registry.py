"""Build the service's image with a container engine and push it to ECR."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deploy.artifacts.container import Engine, find_engine
from deploy.artifacts.target import Target
from deploy.errors import NinewaysError
from deploy.telling import Tell

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient


def require_engine() -> Engine:
    """Give the container engine of this machine."""
    if engine := find_engine():
        return engine
    raise NinewaysError(
        "no container engine answers on this machine",
        cause="the image is built here before it is pushed to ECR",
        remedy="install podman or start Docker; the lab and the other variants need neither",
    )


@dataclass(frozen=True)
class Registry:
    """The image repository of the foundation."""

    uri: str
    ecr: "ECRClient"
    tell: Tell
    engine: Callable[[], Engine] = require_engine

    def push(self, tag: str, target: Target) -> str:
        """Push the image under its tag unless it is there already, and say its URI."""
        host, _, name = self.uri.partition("/")
        uri = f"{self.uri}:{tag}"
        if self._is_there(name, tag):
            return uri
        engine = self.engine()
        self.tell(f"building {uri} with {engine.program}")
        engine.build(uri, target)
        answer = self.ecr.get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
        engine.run("login", "--username", user, "--password-stdin", host, text=password)
        self.tell(f"pushing {uri}")
        engine.run("push", uri)
        return uri

    def _is_there(self, name: str, tag: str) -> bool:
        try:
            self.ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ImageNotFoundException":
                return False
            raise
        return True
