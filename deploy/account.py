"""The verbs of a place, over CloudFormation and S3.

An AWS account and a lab are the same thing with other values: see `deploy.aws` and
`deploy.lab.place` for the two sets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from botocore.exceptions import ClientError

from deploy import probe
from deploy.cloudformation import CloudFormation
from deploy.errors import StackError, TookTooLongError
from deploy.model import FOUNDATION, Artifact, Output, PlaceSetting, Published, Stack
from deploy.stack_states import ChangeSet, StandingStack
from deploy.telling import Tell
from deploy.templates import text_of
from deploy.waiting import Patience

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

    from deploy.artifacts import Built
    from deploy.clients import Clients

# Every stack of ours is called nineways-…
PREFIX = "nineways-"

# Where packagings lie in the foundation's bucket; nothing else of it is ever deleted.
FOLDER = "artifacts/"


@dataclass(frozen=True)
class AccountPlace:
    """A `deploy.carry_out.Place`, plus what the command asks about what stands."""

    name: str
    clients: "Clients"
    cloudformation: CloudFormation
    s3: "S3Client"
    ec2: "EC2Client"
    sqs: "SQSClient"
    lambda_: "LambdaClient"
    settings: Mapping[str, str]
    # Make a packaging for the machines here, or find it made.
    make: Callable[[Artifact], "Built"]
    # Put an image where tasks can pull it, and say by which name.
    publish_image: Callable[["Built"], str]
    # Turn a URL of a stack's output into the one to use from here.
    reach: Callable[[str], str]
    tell: Tell
    patience: Patience
    # Names this deployment on the tags of what it creates.
    run: str
    # Who knows the names of hosted zones; None where the system's name server does.
    name_server: str | None = None
    healthy_within_s: float = 300
    made: dict[Artifact, "Built"] = field(default_factory=dict)

    def build(self, artifact: Artifact) -> None:
        """Make the packaging for what runs here, or find it already made."""
        self.made[artifact] = self.make(artifact)

    def publish(self, artifact: Artifact) -> None:
        """Upload under a name made of the content, unless that is there already."""
        if artifact is Artifact.IMAGE:
            self.publish_image(self.made[artifact])
            return
        bucket, key = self.output(Output(FOUNDATION.name, "BucketName")), self._key(artifact)
        if self._is_in(bucket, key):
            self.tell(f"s3://{bucket}/{key} is there already")
            return
        path = self.made[artifact].path
        self.tell(f"uploading {path.stat().st_size / 1e6:.1f} MB to s3://{bucket}/{key}")
        self.s3.upload_file(str(path), bucket, key)

    def published(self, ref: Published) -> str:
        """Say where a published artifact is."""
        match ref.part:
            case "key":
                return self._key(ref.artifact)
            case "uri":
                return self.publish_image(self.made[ref.artifact])
            case "digest":
                return self.made[ref.artifact].digest

    def setting(self, name: PlaceSetting) -> str:
        """Give a value that only the place knows."""
        return self.settings[name.name]

    def deploy(self, stack: Stack, parameters: Mapping[str, str]) -> None:
        """Create or update the stack."""
        tags = {"project": "nineways", "variant": stack.template.parent.name, "run": self.run}
        if not self.cloudformation.deploy(stack.name, text_of(stack), parameters, tags):
            self.tell(f"stack {stack.name} is as it should be")

    def empty(self, bucket: Output) -> None:
        """Delete what lies in the bucket of that stack, if it has one; see `EmptyBucket`."""
        stack = self.cloudformation.find(bucket.stack)
        name = stack and stack.outputs.get(bucket.key)
        if not name:
            return
        folder = FOLDER if bucket.stack == FOUNDATION.name else ""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=folder)
        for page in pages:
            keys = [item["Key"] for item in page.get("Contents", [])]
            if keys:
                self.tell(f"deleting {len(keys)} objects of s3://{name}/{folder}")
                self.s3.delete_objects(
                    Bucket=name, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
                )

    def delete(self, stack_name: str) -> None:
        """Delete the stack."""
        if not self.cloudformation.delete(stack_name):
            self.tell(f"there is no stack {stack_name}")

    def output(self, output: Output) -> str:
        """Read an output of a stack that stands."""
        stack = self.cloudformation.find(output.stack)
        if stack is None:
            raise StackError(
                f"there is no stack {output.stack} on {self.name}",
                remedy=f"`nineways up {output.stack.removeprefix(PREFIX)}` makes it",
            )
        try:
            return stack.outputs[output.key]
        except KeyError:
            raise StackError(
                f"stack {output.stack} has no output {output.key}",
                cause=f"it is in {stack.status}",
                remedy="bring it up again, which updates it",
            ) from None

    def url(self, output: Output) -> str:
        """Read an output that is a URL, as it is reached from here."""
        return self.reach(self.output(output))

    def wait_until_healthy(self, url: str) -> None:
        """Wait until the service answers /readyz with 200."""
        status = 0

        def is_ready() -> bool:
            nonlocal status
            status, _ = probe.get(f"{url}/readyz")
            return status == HTTPStatus.OK

        try:
            self.patience.until(
                is_ready,
                what=f"{url}/readyz to answer 200",
                timeout_s=self.healthy_within_s,
                remedy="`nineways logs` has what its functions said; in the lab "
                "`nineways lab logs` has what its machines did",
            )
        except TookTooLongError as error:
            error.cause = f"it answers {status}" if status else "nothing answers there"
            raise
        self.tell(f"{url} answers")

    def standing(self) -> list[StandingStack]:
        """Describe every stack of ours that stands here."""
        return self.cloudformation.standing(PREFIX)

    def _key(self, artifact: Artifact) -> str:
        return f"{FOLDER}{self.made[artifact].path.name}"

    def _is_in(self, bucket: str, key: str) -> bool:
        try:
            self.s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            # A HEAD has no body, so S3 can only say 404.
            if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                return False
            raise
        return True


def account_place(  # noqa: PLR0913  one for each thing in which two places differ
    clients: "Clients",
    *,
    name: str,
    settings: Mapping[str, str],
    make: Callable[[Artifact], "Built"],
    publish_image: Callable[["Built"], str],
    reach: Callable[[str], str],
    tell: Tell,
    every_s: float,
    review: Callable[[ChangeSet], None] = lambda _: None,
    name_server: str | None = None,
) -> AccountPlace:
    """Put a place together from its clients and its values."""
    patience = Patience(every_s)
    return AccountPlace(
        name=name,
        clients=clients,
        cloudformation=CloudFormation(clients.cloudformation, tell, patience, review),
        s3=clients.s3,
        ec2=clients.ec2,
        sqs=clients.sqs,
        lambda_=clients.lambda_,
        settings=settings,
        make=make,
        publish_image=publish_image,
        reach=reach,
        tell=tell,
        patience=patience,
        run=uuid4().hex[:8],
        name_server=name_server,
    )
