"""Say who may call, in a Lambda function that API Gateway asks before a request goes on.

The token is in Secrets Manager and is read once for each execution environment, while that is
initialised: a token that was changed holds as soon as the environments are new.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.session import get_session

from app.authorizing import handler_for
from app.logs import configure_logs
from app.settings import token_secret_arn

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient


def read_token(environment: Mapping[str, str]) -> str:
    """Read the token from the secret that the environment names."""
    client = get_session().create_client(
        "secretsmanager",
        region_name=environment.get("AWS_REGION"),
        config=Config(
            connect_timeout=1,
            read_timeout=2,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )
    arn = token_secret_arn(environment)
    return cast("SecretsManagerClient", client).get_secret_value(SecretId=arn)["SecretString"]


configure_logs(
    level=os.environ.get("NINEWAYS_LOG_LEVEL", "INFO"),
    variant=os.environ.get("NINEWAYS_VARIANT", "local"),
)
handler = handler_for(read_token(os.environ))
