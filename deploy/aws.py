"""The place that is an AWS account: ordinary credentials, and nothing done unasked."""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from boto3.session import Session

from deploy.account import AccountPlace, account_place
from deploy.artifacts import AWS_TARGET, build
from deploy.clients import Clients
from deploy.errors import PlaceNotThereError
from deploy.model import FOUNDATION, Output
from deploy.registry import Registry
from deploy.stack_states import ChangeSet
from deploy.telling import Tell

if TYPE_CHECKING:
    from deploy.artifacts import Built

SETTINGS = {
    "HttpPort": "80",
    "LambdaRuntime": f"python{AWS_TARGET.python}",
    "LambdaArchitecture": AWS_TARGET.arch,
    # The name of AWS's public parameter; CloudFormation looks the image up itself.
    "ImageId": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
}


def aws_place(
    *, region: str | None, profile: str | None, tell: Tell, review: Callable[[ChangeSet], None]
) -> AccountPlace:
    """Open the account that the credentials lead to.

    Raises:
        PlaceNotThereError: there are no credentials, they have expired, or no region is chosen.
    """
    # boto3 itself reads only AWS_DEFAULT_REGION, every other tool AWS_REGION first.
    region = region or os.environ.get("AWS_REGION")
    session = Session(region_name=region, profile_name=profile)
    if not session.region_name:
        raise PlaceNotThereError(
            "no AWS region is chosen", remedy="pass --region eu-west-1, or set AWS_REGION"
        )
    clients = Clients(session)
    who = clients.sts.get_caller_identity()
    tell(f"AWS account {who['Account']}, region {session.region_name}, as {who['Arn']}")

    def publish_image(built: "Built") -> str:
        repository = place.output(Output(FOUNDATION.name, "RepositoryUri"))
        return Registry(repository, clients.ecr, tell).push(built.digest, built.target)

    place = account_place(
        clients,
        name="aws",
        settings=SETTINGS,
        make=partial(build, target=AWS_TARGET, report=tell),
        publish_image=publish_image,
        reach=lambda url: url,
        tell=tell,
        every_s=3,
        review=review,
    )
    return place
