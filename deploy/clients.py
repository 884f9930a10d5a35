"""The typed border to AWS: one boto3 client for each service we call.

The lab is reached by the same clients with another endpoint.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.config import Config

if TYPE_CHECKING:
    from boto3.session import Session
    from types_boto3_apigateway import APIGatewayClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_ec2 import EC2Client
    from types_boto3_ecr import ECRClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient
    from types_boto3_sts import STSClient

# boto3's default retry mode is "legacy", which does not back off on throttling as AWS asks.
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4},
    connect_timeout=5,
    read_timeout=60,
    user_agent_extra="nineways",
)


@dataclass(frozen=True)
class Clients:
    """Clients are made when first asked for."""

    session: "Session"
    endpoint_url: str | None = None

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """Stacks."""
        return self.session.client("cloudformation", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def s3(self) -> "S3Client":
        """The bucket that packagings are fetched from."""
        return self.session.client("s3", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def ec2(self) -> "EC2Client":
        """Instances and addresses."""
        return self.session.client("ec2", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def ecr(self) -> "ECRClient":
        """The registry that images are pulled from."""
        return self.session.client("ecr", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def sts(self) -> "STSClient":
        """Who we are."""
        return self.session.client("sts", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def sqs(self) -> "SQSClient":
        """The queue, for looking into it."""
        return self.session.client("sqs", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def lambda_(self) -> "LambdaClient":
        """Functions, for starting them cold."""
        return self.session.client("lambda", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """What functions, tasks and gateways have written."""
        return self.session.client("logs", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def apigateway(self) -> "APIGatewayClient":
        """REST APIs: keys, and what is left of their quotas."""
        return self.session.client("apigateway", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        """Secrets, for being let in."""
        return self.session.client("secretsmanager", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def sns(self) -> "SNSClient":
        """Topics, for listening to them."""
        return self.session.client("sns", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        """Executions, for seeing that they exist."""
        return self.session.client("stepfunctions", endpoint_url=self.endpoint_url, config=_CONFIG)
