"""The port `loadtest.inside.Inside` on an account, or on a lab, which is reached the same way."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from deploy.model import Output, Variant
from deploy.secrets import Secret, secret_of
from loadtest.queue_probe import SqsProbe

if TYPE_CHECKING:
    from types_boto3_apigateway.type_defs import UsagePlanTypeDef

    from deploy.account import AccountPlace

# As a stage names the settings of a method.
CACHED = "cached/whoami/GET"


@dataclass(frozen=True)
class AccountInside:
    """One variant as its account sees it."""

    variant: Variant
    place: "AccountPlace"

    def secret(self, which: Secret) -> str:
        """See `Inside`."""
        return secret_of(self.variant, which, self.place)

    def cache_ttl_s(self) -> float | None:
        """See `Inside`."""
        # The stage is the last part of the URL.
        stage = urlsplit(self._output(self.variant.url.key)).path.strip("/")
        told = self.place.clients.apigateway.get_stage(
            restApiId=self._output("ApiId"), stageName=stage
        )
        # AWS writes a method's path without the first slash, the lab with it.
        methods = {name.strip("/"): told for name, told in told.get("methodSettings", {}).items()}
        settings = methods.get(CACHED, {})
        # A cache is a machine, which takes minutes to make on AWS; the lab has it at once and
        # says nothing of its state.
        is_there = told.get("cacheClusterStatus", "AVAILABLE") == "AVAILABLE"
        if told.get("cacheClusterEnabled") and settings.get("cachingEnabled") and is_there:
            return float(settings.get("cacheTtlInSeconds", 300))
        return None

    def quota(self) -> int | None:
        """See `Inside`."""
        limit = self._plan().get("quota", {}).get("limit")
        return None if limit is None else int(limit)

    def set_quota(self, limit: int) -> None:
        """See `Inside`."""
        self.place.clients.apigateway.update_usage_plan(
            usagePlanId=self._plan()["id"],
            patchOperations=[{"op": "replace", "path": "/quota/limit", "value": str(limit)}],
        )

    def reserved(self) -> int | None:
        """See `Inside`."""
        told = self.place.lambda_.get_function_concurrency(
            FunctionName=self._output("FunctionName")
        )
        return told.get("ReservedConcurrentExecutions")

    def reserve(self, at_once: int | None) -> None:
        """See `Inside`."""
        function = self._output("FunctionName")
        if at_once is None:
            self.place.lambda_.delete_function_concurrency(FunctionName=function)
        else:
            self.place.lambda_.put_function_concurrency(
                FunctionName=function, ReservedConcurrentExecutions=at_once
            )

    def events(self) -> SqsProbe:
        """See `Inside`."""
        return SqsProbe(self.place.sqs, self._output("EventQueueUrl"))

    def execution_input(self, id_: str) -> str | None:
        """See `Inside`."""
        machine = self._output("StateMachineArn")
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{id_}"
        try:
            told = self.place.clients.stepfunctions.describe_execution(executionArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise
        return told.get("input", "")

    def stored(self, key: str) -> bytes | None:
        """See `Inside`."""
        try:
            told = self.place.s3.get_object(Bucket=self._output("ObjectsName"), Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        return told["Body"].read()

    def remove(self, key: str) -> None:
        """See `Inside`."""
        self.place.s3.delete_object(Bucket=self._output("ObjectsName"), Key=key)

    def _plan(self) -> "UsagePlanTypeDef":
        """The plan of the variant's API; there is one."""
        api = self._output("ApiId")
        plans = self.place.clients.apigateway.get_usage_plans(limit=500)["items"]
        return next(
            plan
            for plan in plans
            if any(stage.get("apiId") == api for stage in plan.get("apiStages", []))
        )

    def _output(self, key: str) -> str:
        return self.place.output(Output(self.variant.url.stack, key))
