"""Functions as API Gateway calls them: permission, payload limit, trace, waiting."""

import asyncio
import contextvars
import json
from dataclasses import dataclass
from typing import Literal

from deploy.lab.cloud import invocations
from deploy.lab.cloud.border import Internals, Json, scope
from deploy.lab.cloud.function_policies import may_invoke, unqualified

LAMBDA = Internals(
    "services.lambda_svc",
    "_get_func_record_for_ref",
    "_xray_trace_id_for_invocation",
)

# Of a synchronous invocation, request and answer each: "6 MB", in fact this.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_PAYLOAD_BYTES = 6_291_556

Failure = Literal["forbidden", "rejected", "failed"]

_trace: contextvars.ContextVar[str | None] = contextvars.ContextVar("trace", default=None)


@dataclass(frozen=True)
class Outcome:
    """What a call came to.

    `forbidden`: no such function, or it lets us not; `rejected`: throttled or too large, so that it
    did not run; `failed`: it ran and raised, timed out or returned too much.
    """

    payload: object = None
    failure: Failure | None = None
    message: str = ""


@dataclass(frozen=True)
class Caller:
    """Who calls, and for what: the function's policy names it."""

    account: str
    region: str
    source_arn: str
    # A role of the integration makes the function's own policy unnecessary.
    has_role: bool = False


def install() -> None:
    """Let a function's trace go on where the gateway's is: X-Ray's header becomes its variable."""
    stock = LAMBDA.xray_trace_id_for_invocation

    def trace_id(config: Json, inbound: str | None = None) -> str | None:
        found: str | None = stock(config, inbound or _trace.get())
        return found

    LAMBDA.replace("xray_trace_id_for_invocation", trace_id)


def reference(uri: str) -> str:
    """The function that an integration's or authorizer's URI names.

    >>> reference("arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:f/invocations")
    'arn:f'
    """
    return uri.partition("/functions/")[2].removesuffix("/invocations")


async def invoke(uri: str, event: Json, caller: Caller, *, trace: str, timeout_s: float) -> Outcome:
    """Call the function and wait for it.

    Raises:
        TimeoutError: the function goes on, and nobody reads its answer.
    """
    with scope(caller.account, caller.region):
        function_arn = reference(uri)
        record, config, _ = LAMBDA.get_func_record_for_ref(function_arn)
        if record is None or config is None or not _may_call(function_arn, caller):
            return Outcome(failure="forbidden")
        if len(json.dumps(event, ensure_ascii=False).encode()) > MAX_PAYLOAD_BYTES:
            return Outcome(failure="rejected")
        _trace.set(trace)
        task = invocations.start(record, config, event)
    # Whoever stops waiting leaves the function to go on, and the loop itself keeps no task alive.
    _running.add(task)
    task.add_done_callback(_running.discard)
    done, _ = await asyncio.wait([task], timeout=timeout_s)
    if not done:
        raise TimeoutError
    return _outcome(task.result())


_running: set["asyncio.Task[Json]"] = set()


def _may_call(function_arn: str, caller: Caller) -> bool:
    if caller.has_role:
        return True
    function, _, _ = LAMBDA.get_func_record_for_ref(unqualified(function_arn))
    return function is not None and may_invoke(
        function.get("policy") or {},
        service="apigateway.amazonaws.com",
        source_arn=caller.source_arn,
        function_arn=function_arn,
    )


def _outcome(result: Json) -> Outcome:
    payload = _parsed(result.get("body"))
    if result.get("throttle"):
        return Outcome(failure="rejected")
    if result.get("error"):
        message = payload.get("errorMessage") if isinstance(payload, dict) else payload
        return Outcome(payload, "failed", str(message))
    if len(json.dumps(payload, ensure_ascii=False, default=str).encode()) > MAX_PAYLOAD_BYTES:
        return Outcome(failure="failed", message="Response payload size exceeded maximum allowed")
    return Outcome(payload)


def _parsed(body: object) -> object:
    """A worker gives values, other ways of running a function give their JSON."""
    return json.loads(body) if isinstance(body, bytes) else body
