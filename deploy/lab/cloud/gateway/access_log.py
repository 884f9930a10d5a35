"""The access log of a stage: one line for each request, in the format that the stage says.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.lab.cloud.border import Internals, Json, scope
from deploy.lab.cloud.gateway import gateway_responses
from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Request

LOGS = Internals("services.cloudwatch_logs", "_create_log_stream", "_put_log_events")
# AWS spreads the lines over streams whose names are digests; one is enough here.
STREAM = "00000000000000000000000000000000"


@dataclass(frozen=True)
class Entry:
    """One request with what became of it."""

    request: Request
    context: Mapping[str, object]
    stage_variables: Mapping[str, object]
    answer: Answer
    error: GatewayError | None
    latency_s: float


def line(form: str, entry: Entry) -> str:
    """Fill in the format; what is unknown is a dash.

    >>> entry = Entry(Request("GET", "/"), {"httpMethod": "GET"}, {}, Answer(200), None, 0.0124)
    >>> line("$context.httpMethod $context.status $context.responseLatency $context.error.x", entry)
    'GET 200 12 -'
    """
    error = entry.error
    known = {
        **entry.context,
        "status": entry.answer.status,
        "responseLatency": round(entry.latency_s * 1000),
        "responseLength": len(entry.answer.body),
        "error": gateway_responses.in_context(error) if error else {},
    }

    def value(source: str) -> str:
        found = gateway_responses.look_up(source, entry.request, known, entry.stage_variables)
        return found or "-"

    return gateway_responses.VARIABLE.sub(lambda found: value(found[1] or found[2]), form)


def write(stage: Json, account: str, region: str, entry: Entry) -> None:
    """Write the line to the stage's log group, if it has one; a group that is gone loses it."""
    settings = stage.get("accessLogSettings") or {}
    if not (settings.get("destinationArn") and settings.get("format")):
        return
    group = str(settings["destinationArn"]).partition(":log-group:")[2].removesuffix(":*")
    message = line(str(settings["format"]), entry)
    at = entry.context.get("requestTimeEpoch")
    named = {"logGroupName": group, "logStreamName": STREAM}
    with scope(account, region):
        LOGS.create_log_stream(named)
        LOGS.put_log_events({**named, "logEvents": [{"timestamp": at, "message": message}]})
