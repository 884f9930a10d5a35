"""The environment, read once and typed."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


class SettingError(Exception):
    """An environment variable is missing or wrong; `name` is which."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name


@dataclass(frozen=True)
class Settings:
    """What the service needs to know. Credentials and AWS_ENDPOINT_URL are read by boto3."""

    queue_url: str
    region: str
    variant: str = "local"
    version: str = "dev"
    compute_id: str | None = None
    host: str = "0.0.0.0"  # noqa: S104 - instances and containers are reached from outside
    port: int = 8000
    stage_prefix: str = ""
    route_prefixes: tuple[str, ...] = ()
    log_level: str = "INFO"

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises:
            SettingError: a variable is missing or makes no sense.
        """
        queue_url = environment.get("NINEWAYS_QUEUE_URL", "")
        if not queue_url:
            raise SettingError(
                "NINEWAYS_QUEUE_URL", "is not set: the URL of the SQS queue, output QueueUrl"
            )
        return cls(
            queue_url=queue_url,
            region=_region(environment, queue_url),
            variant=environment.get("NINEWAYS_VARIANT", cls.variant),
            version=environment.get("NINEWAYS_VERSION", cls.version),
            compute_id=environment.get("NINEWAYS_COMPUTE_ID") or None,
            host=environment.get("NINEWAYS_HOST", cls.host),
            port=_port(environment.get("NINEWAYS_PORT", str(cls.port))),
            stage_prefix=_prefix(environment.get("NINEWAYS_STAGE_PREFIX", "")),
            route_prefixes=_prefixes(environment.get("NINEWAYS_ROUTE_PREFIXES", "")),
            log_level=_log_level(environment.get("NINEWAYS_LOG_LEVEL", cls.log_level)),
        )


def token_secret_arn(environment: Mapping[str, str]) -> str:
    """Read which secret holds the token that the authorizer compares with.

    Raises:
        SettingError: the variable is not set.
    """
    if not (arn := environment.get("NINEWAYS_TOKEN_SECRET_ARN", "")):
        raise SettingError(
            "NINEWAYS_TOKEN_SECRET_ARN", "is not set: the secret's ARN, output TokenSecretArn"
        )
    return arn


def _region(environment: Mapping[str, str], queue_url: str) -> str:
    in_url = re.match(r"https?://sqs\.([a-z0-9-]+)\.amazonaws\.com", queue_url)
    found = (
        environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or (in_url and in_url[1])
    )
    if not found:
        raise SettingError("AWS_REGION", "is not set, and the queue's URL does not name a region")
    return found


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 65_536:  # noqa: PLR2004 - the highest port is 65535
        raise SettingError("NINEWAYS_PORT", f"is {text!r}, which is no port from 1 to 65535")
    return int(text)


def _log_level(text: str) -> str:
    level = text.upper()
    if level not in logging.getLevelNamesMapping():
        raise SettingError("NINEWAYS_LOG_LEVEL", f"is {text!r}: use DEBUG, INFO, WARNING or ERROR")
    return level


def _prefix(text: str) -> str:
    # "live", "/live" and "/live/" all mean the same.
    name = text.strip("/")
    return f"/{name}" if name else ""


def _prefixes(text: str) -> tuple[str, ...]:
    # "/keyed,/cached" and "keyed, cached" mean the same.
    return tuple(filter(None, (_prefix(part.strip()) for part in text.split(","))))
