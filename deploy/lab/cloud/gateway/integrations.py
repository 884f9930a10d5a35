"""Integrations by type, each within its time limit.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import (
    functions,
    http_proxy,
    lambda_proxy,
    mapping,
    permissions,
    responses,
    services,
)
from deploy.lab.cloud.gateway.backends import Backend
from deploy.lab.cloud.gateway.exchange import (
    Answer,
    GatewayError,
    Request,
    wrong_configuration,
)
from deploy.lab.cloud.gateway.permissions import NotAssumableError, Use
from deploy.lab.cloud.gateway.vpc_links import VpcLinks

# https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html: 50 ms to 29 s.
DEFAULT_TIMEOUT_MS = 29_000
# Either way; which status too large an answer has is not documented.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
MAX_PAYLOAD_BYTES = 10 * 1024 * 1024

log = logging.getLogger("lab.gateway")


@dataclass(frozen=True)
class Call:
    """A request that reached its integration."""

    integration: Json
    method: Json
    request: Request
    context: Mapping[str, object]
    stage_variables: Mapping[str, str]
    stage_name: str
    trace: str
    binary_media_types: tuple[str, ...]
    caller: functions.Caller

    @property
    def surroundings(self) -> mapping.Surroundings:
        """What mapping templates may look at."""
        return mapping.Surroundings(
            context=self.context,
            stage_variables=self.stage_variables,
            binary_media_types=self.binary_media_types,
            method_responses=frozenset(self.method.get("methodResponses") or {}),
            account=self.caller.account,
            region=self.caller.region,
        )

    @property
    def timeout_s(self) -> float:
        """How long the integration may take."""
        return int(self.integration.get("timeoutInMillis") or DEFAULT_TIMEOUT_MS) / 1000


@dataclass
class Integrations:
    """Calls what stands behind a method."""

    vpc_links: VpcLinks
    services: Backend
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
        if len(answer.body) > MAX_PAYLOAD_BYTES:
            raise GatewayError("INTEGRATION_FAILURE", "Internal server error", status=500)
        return answer

    async def _ask(self, call: Call) -> Answer:
        kind, uri = str(call.integration.get("type")), str(call.integration.get("uri"))
        match kind:
            case "AWS_PROXY":
                return await _function(call)
            case "HTTP_PROXY":
                return await self._backend(call)
            case "AWS" if ":lambda:path/" in uri:
                return await _custom_function(call)
            case "AWS":
                return await services.integrate(
                    call.integration, call.request, call.surroundings, self.services
                )
            case "HTTP":
                return await self._custom_backend(call)
            case "MOCK":
                return services.mock(call.integration, call.request, call.surroundings)
            case _:
                raise wrong_configuration(f"no integration of type {kind}")

    async def _backend(self, call: Call) -> Answer:
        outgoing = http_proxy.outgoing(
            call.integration, call.request, call.context, call.stage_variables, trace=call.trace
        )
        answer = await self._send(call, outgoing)
        return replace(answer, headers=http_proxy.returned(answer.headers))

    async def _custom_backend(self, call: Call) -> Answer:
        prepared = mapping.prepare(call.integration, call.request, call.surroundings)
        answer = await self._send(call, http_proxy.prepared(prepared, trace=call.trace))
        return responses.respond(prepared, answer)

    async def _send(self, call: Call, outgoing: http_proxy.Outgoing) -> Answer:
        if call.integration.get("connectionType") == "VPC_LINK":
            outgoing = self.vpc_links.through(call.integration, call.stage_name, outgoing)
        return await self.backends.send(outgoing)


async def _function(call: Call) -> Answer:
    event = lambda_proxy.event(
        call.request, call.context, call.stage_variables, call.binary_media_types
    )
    outcome = await _invoked(call, event)
    if outcome.failure == "failed":
        raise lambda_proxy.malformed()
    answer = lambda_proxy.answer(
        outcome.payload, call.request.header("Accept"), call.binary_media_types
    )
    return replace(answer, headers=http_proxy.returned(answer.headers))


async def _custom_function(call: Call) -> Answer:
    """The mapped request is the event; the answer is chosen by the error's text.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html
    """
    prepared = mapping.prepare(call.integration, call.request, call.surroundings)
    try:
        event = json.loads(prepared.body or b"{}")
    except ValueError:
        raise wrong_configuration("the event is not JSON") from None
    if prepared.header("X-Amz-Invocation-Type").strip("'") == "Event":
        # Nobody waits for it, and nobody learns what came of it.
        task = asyncio.ensure_future(_invoked(call, event))
        _events.add(task)
        task.add_done_callback(_forget)
        return responses.respond(prepared, Answer(202))
    outcome = await _invoked(call, event)
    body = json.dumps(outcome.payload, ensure_ascii=False).encode()
    answer = Answer(200, (("Content-Type", "application/json"),), body)
    return responses.respond(prepared, answer, selector=outcome.message)


async def _invoked(call: Call, event: Json) -> functions.Outcome:
    """Call the function that the URI names.

    "If the Lambda API rejects the invocation request, API Gateway returns a 500 error code. If the
    function runs but returns an error, or returns a response in the wrong format, API Gateway
    returns a 502." https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html

    Raises:
        GatewayError: 500, when it did not run.
    """
    if call.integration.get("httpMethod") != "POST":
        raise wrong_configuration("a function is invoked by POST, whatever the client does")
    uri = http_proxy.with_stage_variables(str(call.integration["uri"]), call.stage_variables)
    if role := call.integration.get("credentials"):
        _check_role(str(role), functions.reference(uri), call.caller)
    outcome = await functions.invoke(
        uri,
        event,
        call.caller,
        trace=call.trace,
        timeout_s=call.timeout_s,
    )
    if outcome.failure == "forbidden":
        raise wrong_configuration("no such function, or it gives no permission")
    if outcome.failure == "rejected":
        raise GatewayError("INTEGRATION_FAILURE", "Internal server error", status=500)
    return outcome


def _check_role(role: str, function: str, caller: functions.Caller) -> None:
    """A role instead of the function's own policy must allow the call."""
    use = Use("lambda:InvokeFunction", function, caller.account, caller.region, caller.source_arn)
    try:
        refusal = permissions.denied(role, use)
    except NotAssumableError as error:
        refusal = str(error)
    if refusal:
        raise wrong_configuration(refusal)


# The loop itself keeps no task alive.
_events: set["asyncio.Task[functions.Outcome]"] = set()


def _forget(task: "asyncio.Task[functions.Outcome]") -> None:
    _events.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.warning("an event came to nothing: %s", error)
