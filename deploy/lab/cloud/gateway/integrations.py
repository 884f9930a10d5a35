"""Integrations by type, each within its time limit.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import functions, http_proxy, lambda_proxy
from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Request
from deploy.lab.cloud.gateway.vpc_links import VpcLinks

# https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html: 50 ms to 29 s.
DEFAULT_TIMEOUT_MS = 29_000


@dataclass(frozen=True)
class Call:
    """A request that reached its integration."""

    integration: Json
    method: Json
    request: Request
    context: Mapping[str, object]
    stage_variables: Mapping[str, object]
    stage_name: str
    trace: str
    binary_media_types: tuple[str, ...]
    caller: functions.Caller

    @property
    def timeout_s(self) -> float:
        """How long the integration may take."""
        return int(self.integration.get("timeoutInMillis") or DEFAULT_TIMEOUT_MS) / 1000


@dataclass
class Integrations:
    """Calls what stands behind a method."""

    endpoint: str
    vpc_links: VpcLinks
    backends: http_proxy.Backends = field(default_factory=http_proxy.Backends)

    async def answer(self, call: Call) -> Answer:
        """What the integration answers.

        Raises:
            GatewayError: 504 when it takes too long, or what else keeps it from answering.
        """
        try:
            async with asyncio.timeout(call.timeout_s):
                answer = await self._ask(call)
        except TimeoutError:
            raise GatewayError("INTEGRATION_TIMEOUT", "Endpoint request timed out") from None
        return replace(answer, headers=http_proxy.returned(answer.headers))

    async def _ask(self, call: Call) -> Answer:
        match str(call.integration.get("type")):
            case "AWS_PROXY":
                return await _function(call)
            case "HTTP_PROXY":
                return await self._backend(call)
            case other:
                raise GatewayError("API_CONFIGURATION_ERROR", f"no integration of type {other}")

    async def _backend(self, call: Call) -> Answer:
        outgoing = http_proxy.outgoing(
            call.integration, call.request, call.context, call.stage_variables, trace=call.trace
        )
        if call.integration.get("connectionType") == "VPC_LINK":
            outgoing = self.vpc_links.through(call.integration, call.stage_name, outgoing)
        return await self.backends.send(outgoing)


async def _function(call: Call) -> Answer:
    event = lambda_proxy.event(
        call.request, call.context, call.stage_variables, call.binary_media_types
    )
    outcome = await functions.invoke(
        http_proxy.with_stage_variables(str(call.integration["uri"]), call.stage_variables),
        event,
        call.caller,
        trace=call.trace,
        timeout_s=call.timeout_s,
    )
    # "If the Lambda API rejects the invocation request, API Gateway returns a 500 error code. If
    # the function runs but returns an error, or returns a response in the wrong format, API Gateway
    # returns a 502." https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
    if outcome.failure == "forbidden":
        raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error")
    if outcome.failure == "rejected":
        raise GatewayError("INTEGRATION_FAILURE", "Internal server error", status=500)
    if outcome.failure == "failed":
        raise lambda_proxy.malformed()
    return lambda_proxy.answer(
        outcome.payload, call.request.header("Accept"), call.binary_media_types
    )
