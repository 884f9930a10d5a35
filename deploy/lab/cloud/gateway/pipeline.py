"""The way of a request through a stage, in API Gateway's order.

Route, size, authorizer, API key, usage plan, throttling, validation, cache, integration. That the
authorizer comes before the key is AWS's, for an authorizer may supply the key; that a plan's limits
come before the stage's and the account's is
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html.
Where AWS says nothing, the order is MiniStack's, which measured it.
"""

import logging
import time
from dataclasses import dataclass, field, replace

from deploy.lab.cloud.border import Json, is_true
from deploy.lab.cloud.gateway import (
    access_log,
    cache,
    context,
    gateway_responses,
    http_proxy,
    keys,
    routing,
    settings,
    throttling,
    validation,
)
from deploy.lab.cloud.gateway.authorizers import Authorizers, Permit, Question
from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Request
from deploy.lab.cloud.gateway.functions import Caller, Outcome, invoke
from deploy.lab.cloud.gateway.integrations import MAX_PAYLOAD_BYTES, Integrations
from deploy.lab.cloud.gateway.snapshots import Snapshots
from deploy.lab.cloud.gateway.visit import Visit

# AWS documents no time limit for an authorizer besides the function's own.
AUTHORIZER_TIMEOUT_S = 29.0
# What only the owner of the API can put right, and nobody else is told.
TELLING = frozenset({"API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR"})
# Without a stage there is no deployment whose gateway responses could answer.
FORBIDDEN = Answer(
    403,
    (("Content-Type", "application/json"), ("x-amzn-ErrorType", "ForbiddenException")),
    b'{"message":"Forbidden"}',
)
log = logging.getLogger("lab.gateway")


@dataclass
class Pipeline:
    """Serves requests of all stages. What it remembers between them: buckets, quotas, cache."""

    snapshots: Snapshots
    integrations: Integrations
    clock: throttling.Clock = time.time
    buckets: throttling.Buckets = field(init=False)
    quotas: throttling.Quotas = field(init=False)
    kept: cache.Cache = field(init=False)
    authorizers: Authorizers = field(init=False)

    def __post_init__(self) -> None:
        self.buckets = throttling.Buckets(self.clock)
        self.quotas = throttling.Quotas(self.clock)
        self.kept = cache.Cache(self.clock)
        self.authorizers = Authorizers(self.clock)

    async def serve(self, api_id: str, stage_name: str, request: Request) -> Answer:
        """Answer one request."""
        found = self.snapshots.of(api_id, stage_name)
        if found is None:
            return FORBIDDEN
        snapshot, stage = found
        if snapshot.api.get("disableExecuteApiEndpoint"):
            return FORBIDDEN
        at = self.clock()
        ids = context.new_ids(request, at=at, sampled=bool(stage.get("tracingEnabled")))
        # Whatever is behind gets it as a header: a function in its event, a backend as it is.
        trace = (("X-Amzn-Trace-Id", ids.trace),)
        request = replace(request, headers=(*_without(request.headers, trace), *trace))
        matched = routing.match(snapshot.root, request.method, request.path)
        if matched:
            request = replace(
                request,
                resource_path=matched.node.path,
                path_parameters=matched.path_parameters,
            )
        resource_id = str(matched.node.resource["id"]) if matched else ""
        known = context.of_request(request, snapshot, stage, ids, resource_id)
        variables = stage.get("variables") or {}
        error = None
        try:
            visit = Visit(snapshot, stage, _found(matched), request, known, ids.trace)
            answer = await self._through(visit)
        except GatewayError as raised:
            error = raised
        except Exception:
            # A mistake of ours, and an answer like that of AWS's to one of theirs.
            log.exception("%s%s", api_id, request.resource_path)
            error = GatewayError("DEFAULT_5XX", "Internal server error")
        if error:
            if error.response_type in TELLING:
                log.warning("%s%s: %s", api_id, request.resource_path, error.detail or error)
            answer = gateway_responses.answer(
                error, snapshot.gateway_responses, request, known, variables
            )
        entry = access_log.Entry(request, known, variables, answer, error, self.clock() - at)
        access_log.write(stage, snapshot.account, snapshot.region, entry)
        own = (
            ("x-amzn-RequestId", ids.request_id),
            ("x-amz-apigw-id", ids.extended_request_id),
            ("X-Amzn-Trace-Id", ids.trace),
        )
        return replace(answer, headers=(*_without(answer.headers, own), *own))

    async def _through(self, visit: Visit) -> Answer:
        request, method = visit.request, visit.method
        if len(request.body) > MAX_PAYLOAD_BYTES:
            raise GatewayError("REQUEST_TOO_LARGE", "Request Too Long")
        permit = await self._authorized(visit)
        if permit is not None:
            visit = visit.knowing("authorizer", permit.context)
        if is_true(method.get("apiKeyRequired")):
            visit = self._keyed(visit, permit)
        of_method = settings.of_method(visit.stage, request.resource_path, request.method)
        if not self.buckets.take(throttling.stage_limits(visit.target, of_method)):
            raise GatewayError("THROTTLED", "Too Many Requests")
        validator = visit.snapshot.validators.get(str(method.get("requestValidatorId")))
        if validator is not None:
            validation.check(request, method, validator, visit.snapshot.models)
        return await self._cached(visit, of_method)

    async def _authorized(self, visit: Visit) -> Permit | None:
        kind = str(visit.method.get("authorizationType") or "NONE")
        if kind == "NONE":
            return None
        authorizer = visit.snapshot.authorizers.get(str(visit.method.get("authorizerId")))
        if kind != "CUSTOM" or authorizer is None:
            raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR", "Internal server error")
        question = Question(
            authorizer,
            visit.request,
            visit.context,
            visit.stage.get("variables") or {},
            visit.arn(f"{visit.stage_name}/{visit.request.method}{visit.request.path}"),
            (visit.api_id, visit.stage_name, authorizer["id"]),
        )
        caller = Caller(
            visit.snapshot.account,
            visit.snapshot.region,
            visit.arn(f"authorizers/{authorizer['id']}"),
            has_role=bool(authorizer.get("authorizerCredentials")),
        )

        async def ask(event: Json) -> Outcome:
            try:
                return await invoke(
                    http_proxy.with_stage_variables(
                        str(authorizer.get("authorizerUri")), question.stage_variables
                    ),
                    event,
                    caller,
                    trace=visit.trace,
                    timeout_s=AUTHORIZER_TIMEOUT_S,
                )
            except TimeoutError:
                return Outcome(failure="failed")

        return await self.authorizers.permit(question, ask)

    def _keyed(self, visit: Visit, permit: Permit | None) -> Visit:
        from_authorizer = visit.snapshot.api.get("apiKeySource") == "AUTHORIZER"
        if from_authorizer:
            value = permit.usage_key if permit else None
        else:
            value = visit.request.header("x-api-key")
        use = keys.use_of(value, visit.api_id, visit.stage_name)
        keys.spend(use, visit.target, self.buckets, self.quotas)
        identity = visit.context["identity"]
        assert isinstance(identity, dict)  # noqa: S101 - context.of_request made it so
        known = {**identity, "apiKey": use.key["value"], "apiKeyId": use.key["id"]}
        return visit.knowing("identity", known)

    async def _cached(self, visit: Visit, of_method: Json) -> Answer:
        integration = visit.method["methodIntegration"]
        plan = cache.plan(
            visit.stage,
            of_method,
            integration,
            visit.request,
            visit.context,
        )
        answer = self.kept.get(plan)
        if answer is None:
            answer = await self.integrations.answer(visit.call())
            size = float(visit.stage.get("cacheClusterSize") or 0.5)
            self.kept.keep(plan, answer, capacity_gib=size)
        if plan.warning:
            warning = ("Warning", cache.WARNING)
            answer = replace(answer, headers=(*answer.headers, warning))
        return answer


def _found(matched: routing.Match | None) -> routing.Match:
    if matched is None:
        raise GatewayError("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
    return matched


def _without(
    headers: tuple[tuple[str, str], ...], own: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """An integration cannot say what the gateway says itself."""
    names = {name.lower() for name, _ in own}
    return tuple(pair for pair in headers if pair[0].lower() not in names)
