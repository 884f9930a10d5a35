"""Functions as targets of load balancers: a request becomes an event, an answer becomes one.

Envoy hands the requests of a `lambda` target group to the emulator's own address, with the
group's ARN in a header, and they end here. What goes wrong is answered with the statuses of
"Troubleshoot your Application Load Balancers", read 2026-11:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
The reasons are those of the `error_reason` field of AWS's access logs, and go to the log.
"""

import json
import logging
from typing import Any

from deploy.lab.alb import SERVER, TARGET_GROUP_HEADER, page
from deploy.lab.cloud import invocations
from deploy.lab.cloud.agents import App, Message, Receive, Send
from deploy.lab.cloud.alb_answers import Answer, MalformedAnswerError, answer
from deploy.lab.cloud.alb_events import NotTextError, Request, event
from deploy.lab.cloud.border import Internals, Json, records
from deploy.lab.cloud.function_policies import may_invoke, unqualified

ALB = Internals("services.alb", "_targets", "_tg_attrs")
LAMBDA = Internals("services.lambda_svc", "_get_func_record_for_ref_in_scope")

PRINCIPAL = "elasticloadbalancing.amazonaws.com"
MULTI_VALUE = "lambda.multi_value_headers.enabled"
# "The maximum size of the request body" and "of the response JSON": 1 MB, and no word on whether
# that is 1,000,000 bytes; AWS counts so in binary elsewhere in these limits.
MAX_BYTES = 1024 * 1024
HEALTH_CHECKER = "ELB-HealthChecker/2.0"

_HEADER = TARGET_GROUP_HEADER.encode()

log = logging.getLogger("lab.alb")


class FailedError(Exception):
    """The load balancer answers for the function: a status, and AWS's name of the reason."""

    def __init__(self, status: int, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.status = status


class AlbFunctions:
    """An ASGI app that serves what load balancers send to functions, and hands the rest on."""

    def __init__(self, otherwise: App) -> None:
        self._otherwise = otherwise

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        arn = dict(scope.get("headers", ())).get(_HEADER)
        if scope["type"] != "http" or arn is None:
            await self._otherwise(scope, receive, send)
            return
        try:
            body = await _body(receive)
            answered = await served(_request(scope, body), arn.decode())
        except FailedError as failed:
            log.warning("%s", failed)
            kind = ("content-type", "text/html")
            answered = Answer(failed.status, (kind,), page(failed.status).encode())
        await _send(answered, scope["method"], send)


async def served(request: Request, target_group_arn: str) -> Answer:
    """Invoke the target group's function with a request.

    Raises:
        FailedError: the function could not be asked, or gave no answer that can be used.
    """
    if request.method == "TRACE":
        raise FailedError(405, "MethodNotAllowed", "a load balancer takes no TRACE")
    multi_value = _attribute(target_group_arn, MULTI_VALUE) == "true"
    try:
        happening = event(request, target_group_arn, multi_value=multi_value)
    except NotTextError as error:
        # Which status the client gets is not documented; that of every other failed invocation.
        raise FailedError(502, "LambdaBadRequest", str(error)) from error
    returned = await _invoked(*_function_of(target_group_arn), happening)
    if len(json.dumps(returned, ensure_ascii=False).encode("utf-8", "replace")) > MAX_BYTES:
        raise FailedError(502, "LambdaResponseTooLarge")
    try:
        return answer(returned, multi_value=multi_value)
    except MalformedAnswerError as error:
        raise FailedError(502, "LambdaInvalidResponse", str(error)) from error


# ---- the invocation ----


def _function_of(target_group_arn: str) -> tuple[Json, Json]:
    """Record and configuration of the target; checked, as on AWS, at each request."""
    targets: Any = records(ALB.targets).get(target_group_arn)
    if not targets:
        raise FailedError(503, "NoTarget", target_group_arn)
    function_arn = targets[0]["Id"]
    function, config, _ = function_at(function_arn, target_group_arn)
    if function is None:
        raise FailedError(502, "LambdaResourceNotFound", function_arn)
    if not allows(function_arn, target_group_arn):
        raise FailedError(502, "LambdaAccessDenied", f"{function_arn} from {target_group_arn}")
    return function, config


def function_at(function_arn: str, target_group_arn: str) -> tuple[Json | None, Json, str]:
    """MiniStack's record, configuration and name of a function of the target group's account."""
    _, _, _, region, account, *_ = target_group_arn.split(":")
    found: tuple[Json | None, Json, str] = LAMBDA.get_func_record_for_ref_in_scope(
        function_arn, account_id=account, region=region
    )
    return found


def allows(function_arn: str, target_group_arn: str) -> bool:
    """Whether the function's policy lets a load balancer invoke it for this target group."""
    function, _, _ = function_at(unqualified(function_arn), target_group_arn)
    return function is not None and may_invoke(
        function.get("policy") or {},
        service=PRINCIPAL,
        source_arn=target_group_arn,
        function_arn=function_arn,
    )


async def _invoked(function: Json, config: Json, happening: Json) -> object:
    result = await invocations.start(function, config, happening)
    if result.get("throttle"):
        raise FailedError(502, "LambdaThrottling", config["FunctionName"])
    if result.get("error"):
        raise FailedError(502, "LambdaUnhandled", str(result.get("body")))
    return result.get("body")


def _attribute(target_group_arn: str, key: str) -> str:
    pairs: Any = records(ALB.tg_attrs).get(target_group_arn, [])
    return next((str(pair["Value"]) for pair in pairs if pair["Key"] == key), "")


# ---- HTTP on both sides ----


def _request(scope: Message, body: bytes) -> Request:
    headers = [
        (name.decode("latin-1"), _text(value))
        for name, value in scope["headers"]
        if name != _HEADER
    ]
    if dict(headers).get("user-agent") == HEALTH_CHECKER:
        # "The following is the format of the health check event": this header and no other.
        headers = [("user-agent", HEALTH_CHECKER)]
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((name, _as_aws_joins(name, value)) for name, value in headers),
        body=body,
    )


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise FailedError(502, "LambdaBadRequest", "a header is no UTF-8") from error


def _as_aws_joins(name: str, value: str) -> str:
    """X-Forwarded-For with a blank before the client's address, which Envoy leaves out."""
    if name != "x-forwarded-for" or "," not in value:
        return value
    before, _, last = value.rpartition(",")
    return f"{before}, {last.strip()}"


async def _body(receive: Receive) -> bytes:
    """The whole body; what is too long is read to its end, for only then Envoy takes an answer."""
    body, length, more = bytearray(), 0, True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        length += len(chunk)
        if length <= MAX_BYTES:
            body += chunk
        more = message.get("more_body", False)
    if length > MAX_BYTES:
        raise FailedError(413, "LambdaRequestTooLarge", f"{length} bytes")
    return bytes(body)


async def _send(answered: Answer, method: str, send: Send) -> None:
    headers = [
        *((name.lower().encode(), value.encode()) for name, value in answered.headers),
        (b"content-length", str(len(answered.body)).encode()),
    ]
    if not any(name == b"server" for name, _ in headers):
        headers.append((b"server", SERVER.encode()))
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    body = b"" if method == "HEAD" else answered.body
    await send({"type": "http.response.body", "body": body})
