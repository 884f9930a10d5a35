"""What API Gateway answers in its own words, and how an API changes those. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import json
import re
from collections.abc import Callable, Mapping

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Request

# Type: default status and the exception that x-amzn-ErrorType names.
TYPES: Mapping[str, tuple[int, str]] = {
    "ACCESS_DENIED": (403, "AccessDeniedException"),
    "API_CONFIGURATION_ERROR": (500, "InternalServerErrorException"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "AuthorizerConfigurationException"),
    "AUTHORIZER_FAILURE": (500, "AuthorizerConfigurationException"),
    "BAD_REQUEST_BODY": (400, "BadRequestException"),
    "BAD_REQUEST_PARAMETERS": (400, "BadRequestException"),
    "DEFAULT_4XX": (400, "BadRequestException"),
    "DEFAULT_5XX": (500, "InternalServerErrorException"),
    "EXPIRED_TOKEN": (403, "ExpiredTokenException"),
    "INTEGRATION_FAILURE": (504, "InternalServerErrorException"),
    "INTEGRATION_TIMEOUT": (504, "InternalServerErrorException"),
    "INVALID_API_KEY": (403, "ForbiddenException"),
    "INVALID_SIGNATURE": (403, "InvalidSignatureException"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "MissingAuthenticationTokenException"),
    "QUOTA_EXCEEDED": (429, "LimitExceededException"),
    "REQUEST_TOO_LARGE": (413, "RequestTooLargeException"),
    "RESOURCE_NOT_FOUND": (404, "NotFoundException"),
    "THROTTLED": (429, "TooManyRequestsException"),
    "UNAUTHORIZED": (401, "UnauthorizedException"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "BadRequestException"),
    "WAF_FILTERED": (403, "ForbiddenException"),
}
DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'
# The body of a denial says "Message" where all others say "message".
DENIED_TEMPLATE = '{"Message":$context.error.messageString}'
# Before these AWS writes a blank: {"message": "Invalid request body"}. So measured by MiniStack.
SPACED = frozenset(
    {
        "API_CONFIGURATION_ERROR",
        "AUTHORIZER_CONFIGURATION_ERROR",
        "BAD_REQUEST_BODY",
        "BAD_REQUEST_PARAMETERS",
        "DEFAULT_5XX",
    }
)
# Gateway responses know no Velocity: only variables are replaced.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
VARIABLE = re.compile(
    r"\$\{((?:context|stageVariables|method\.request)\.[\w.-]+)\}"
    r"|\$((?:context|stageVariables|method\.request)(?:\.[A-Za-z][\w-]*)+)"
)


def answer(
    error: GatewayError,
    customized: Mapping[str, Json],
    request: Request,
    context: Mapping[str, object],
    stage_variables: Mapping[str, object],
) -> Answer:
    """Put the error into the words that the API chose for its type, or into AWS's own.

    A type that the API does not customize takes the headers, the template and the status of
    DEFAULT_4XX or DEFAULT_5XX.
    """
    kind = error.response_type
    status, exception = TYPES[kind]
    status = error.status or status
    family = "DEFAULT_5XX" if status >= 500 else "DEFAULT_4XX"  # noqa: PLR2004 - 5XX
    chosen = customized.get(kind) or customized.get(family) or {}
    known = {**context, "error": in_context(error)}

    def value(source: str) -> str:
        return look_up(source, request, known, stage_variables)

    template = (chosen.get("responseTemplates") or {}).get("application/json")
    if template is None or (kind == "ACCESS_DENIED" and not chosen):
        template = DENIED_TEMPLATE if kind == "ACCESS_DENIED" else DEFAULT_TEMPLATE
    body = VARIABLE.sub(lambda found: value(found.group(1) or found.group(2)), template)
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": exception}
    for target, source in (chosen.get("responseParameters") or {}).items():
        name = str(target).removeprefix("gatewayresponse.header.")
        if found := _parameter(str(source), value):
            headers[name] = found
    if given := _status_of(chosen, kind, default=status):
        status = given
    return Answer(status, tuple(headers.items()), body.encode())


def look_up(
    source: str,
    request: Request,
    context: Mapping[str, object],
    stage_variables: Mapping[str, object],
) -> str:
    """The text of `context.…`, `stageVariables.…` or `method.request.…`; empty when unknown."""
    first, _, rest = source.partition(".")
    if first == "stageVariables":
        return str(stage_variables.get(rest, ""))
    if first == "method":
        _, kind, name = rest.split(".", 2)
        found = {
            "header": request.header(name),
            "querystring": request.parameter(name),
            "path": request.path_parameters.get(name),
        }.get(kind)
        return found or ""
    value: object = context
    for part in rest.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return "" if value is None or isinstance(value, Mapping) else text(value)


def text(value: object) -> str:
    """A value of `$context` as text: what is true or false as JSON writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameter(source: str, value: Callable[[str], str]) -> str:
    """A header's value: `'fixed text'` or a variable, here without its dollar."""
    if source.startswith("'") and source.endswith("'"):
        return source[1:-1]
    return value(source)


def in_context(error: GatewayError) -> Json:
    """What `$context.error` shows."""
    message = "null" if error.message is None else json.dumps(error.message)
    kind = error.response_type
    return {
        "message": error.message or "",
        "messageString": f" {message}" if kind in SPACED else message,
        # So named in the answer, though its own entry and status are used. Measured by MiniStack.
        "responseType": kind.replace("AUTHORIZER_CONFIGURATION_ERROR", "API_CONFIGURATION_ERROR"),
        "validationErrorString": error.detail,
    }


def _status_of(chosen: Json, kind: str, *, default: int) -> int:
    """The customized status. DEFAULT_5XX of AWS has none, and then each type keeps its own."""
    given = chosen.get("statusCode")
    if given is None:
        return default
    # An entry of its own carries the type's default where the template said nothing: a function's
    # malformed answer stays 502 then.
    return default if int(given) == TYPES[kind][0] else int(given)
