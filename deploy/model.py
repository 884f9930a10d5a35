"""What a deployment is: frozen values, and nothing that acts.

`Stack` and `Output` mean what CloudFormation means by them. `Variant`, `Step` and `Place`
are our own words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal, TypeAlias


class Feature(StrEnum):
    """What an architecture adds to the service or takes from it; `nineways verify` probes each."""

    API_KEY = "api-key"
    AUTHORIZER = "authorizer"
    CACHE = "cache"
    VALIDATION = "validation"
    METHOD_THROTTLE = "method-throttle"
    PAYLOAD_10_MB = "payload-10-mb"
    TIMEOUT_29_S = "timeout-29-s"
    PAYLOAD_1_MB = "payload-1-mb"
    CONCURRENCY = "concurrency"
    WAF = "waf"
    HYBRID = "hybrid"
    EVENTS = "events"
    EXECUTIONS = "executions"
    OBJECTS = "objects"
    MAPPING = "mapping"


class Artifact(StrEnum):
    """The three packagings of the one service."""

    BUNDLE = "bundle"
    LAMBDA_ZIP = "lambda-zip"
    IMAGE = "image"


@dataclass(frozen=True)
class Output:
    """An output of a stack that stands already."""

    stack: str
    key: str


@dataclass(frozen=True)
class Published:
    """Where a published artifact is: its object key in the bucket, its image URI, its digest."""

    artifact: Artifact
    part: Literal["key", "uri", "digest"]


@dataclass(frozen=True)
class PlaceSetting:
    """A value that only the place knows: a port that may be bound, the Python that runs."""

    name: Literal["HttpPort", "LambdaRuntime", "LambdaArchitecture", "ImageId"]


Value: TypeAlias = str | Output | Published | PlaceSetting


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack: a template with its parameters.

    `template` is relative to the deploy/ folder.
    """

    name: str
    template: PurePosixPath
    parameters: Mapping[str, Value] = field(default_factory=dict)
    # Outputs that name buckets of this stack: CloudFormation deletes only an empty bucket.
    buckets: tuple[str, ...] = ()


# What every variant stands on: the network, the queue, the bucket and the image repository.
FOUNDATION = Stack("nineways-foundation", PurePosixPath("foundation/template.yaml"))


@dataclass(frozen=True)
class Variant:
    """One of the nine architectures. `slug` is its folder, with dashes on the command line."""

    slug: str
    number: int
    title: str
    summary: str
    artifacts: tuple[Artifact, ...]
    stacks: tuple[Stack, ...]
    url: Output
    # Cells of the summary table; each is a judgement until a claim measures it.
    scalability: str
    burden: str
    known_for: str
    limits: str
    # What is probed besides the contract.
    features: frozenset[Feature] = frozenset()
    # Checks of the contract that it cannot keep, by name, with the reason.
    not_promised: Mapping[str, str] = field(default_factory=dict)
    # What the service behind calls itself at /whoami, when it is another variant's.
    served_by: str | None = None

    @property
    def name(self) -> str:
        """The slug as it is typed on the command line."""
        return self.slug.replace("_", "-")


@dataclass(frozen=True)
class BuildArtifact:
    """Make the packaging, or find it already made."""

    artifact: Artifact


@dataclass(frozen=True)
class PublishArtifact:
    """Put the packaging where the place's stacks can fetch it."""

    artifact: Artifact


@dataclass(frozen=True)
class DeployStack:
    """Create or update one stack and wait until it is there."""

    stack: Stack


@dataclass(frozen=True)
class EmptyBucket:
    """Delete what lies in it, for CloudFormation deletes only an empty bucket.

    Of the foundation's bucket that is what we published, of a variant's own everything.
    """

    bucket: Output


@dataclass(frozen=True)
class DeleteStack:
    """Delete one stack and wait until it is gone."""

    name: str


@dataclass(frozen=True)
class WaitUntilHealthy:
    """Wait until the service answers /readyz at the URL."""

    url: Output


@dataclass(frozen=True)
class SideBySide:
    """Plans that do not need each other, carried out at the same time."""

    plans: tuple["Plan", ...]


Step: TypeAlias = (
    BuildArtifact
    | PublishArtifact
    | DeployStack
    | EmptyBucket
    | DeleteStack
    | WaitUntilHealthy
    | SideBySide
)
Plan: TypeAlias = tuple[Step, ...]
