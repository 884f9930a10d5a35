"""Calls of services as API Gateway makes them, of an integration's URI, headers and body."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote

from deploy.lab.cloud.border import RESPONSES, Json
from deploy.lab.cloud.gateway import query_protocol
from deploy.lab.cloud.gateway.backends import Outgoing
from deploy.lab.cloud.gateway.exchange import Answer, wrong_configuration
from deploy.lab.cloud.gateway.mapping import Prepared
from deploy.lab.cloud.gateway.payloads import JSON_TYPE, media_type

URI = re.compile(
    r"arn:aws[a-z-]*:apigateway:(?P<region>[^:]+):(?P<service>[^:]+):(?P<kind>path|action)/(?P<rest>.*)"
)


@dataclass(frozen=True)
class Target:
    """What an integration's URI names."""

    region: str
    service: str
    kind: str
    rest: str


@dataclass(frozen=True)
class Asked:
    """A call as a service understands it: what to send, and what the role must allow."""

    outgoing: Outgoing
    action: str
    resource: str


def target_of(uri: str) -> Target:
    """Read an integration's URI.

    >>> target_of("arn:aws:apigateway:us-east-1:sns:action/Publish")
    Target(region='us-east-1', service='sns', kind='action', rest='Publish')

    Raises:
        GatewayError: 500, it is none.
    """
    found = URI.fullmatch(uri)
    if found is None:
        raise wrong_configuration(f"AWS ARN for integration must contain path or action: {uri}")
    return Target(**found.groupdict())


def refused(service: str, message: str) -> Answer:
    """How a service says that the role may not."""
    match service:
        case "s3":
            xml = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
            return Answer(403, (("Content-Type", "application/xml"),), xml.encode())
        case "states":
            content: Json = {"__type": "AccessDeniedException", "message": message}
            return _json(400, content)
        case _:
            code = "AuthorizationError" if service == "sns" else "AccessDenied"
            return _json(403, _error(code, message))


def _error(code: str, message: str) -> Json:
    return {
        "Error": {"Code": code, "Message": message, "Type": "Sender"},
        "RequestId": RESPONSES.new_uuid(),
    }


def _json(status: int, content: Any) -> Answer:  # noqa: ANN401 - what JSON holds
    body = json.dumps(content, ensure_ascii=False).encode(errors="replace")
    return Answer(status, (("Content-Type", "application/json"),), body)


# ---- the services ----

Present: TypeAlias = Callable[[Answer], Answer]
Protocol: TypeAlias = Callable[[Target, Prepared], tuple[Asked, Present]]


def _query_call(target: Target, prepared: Prepared) -> tuple[dict[str, str], str]:
    """The form of a call of the query protocol, and its action."""
    query = dict(prepared.query)
    if target.kind == "action":
        action, _, more = target.rest.partition("&")
        query = {"Action": action, **dict(parse_qsl(more)), **query}
    content_type = media_type(prepared.header("Content-Type"))
    form = query_protocol.form_of(content_type, prepared.body, query)
    return form, form.get("Action", "")


def _in_json(action: str, prepared: Prepared) -> Present:
    """API Gateway asks for JSON, unless the integration maps another Accept."""

    def present(answer: Answer) -> Answer:
        if media_type(prepared.header("Accept")) != JSON_TYPE:
            return answer
        if not answer.body.lstrip().startswith(b"<"):
            return answer
        return _json(answer.status, query_protocol.as_json(action, answer.body))

    return present


def _sqs(target: Target, prepared: Prepared) -> tuple[Asked, Present]:
    """`path/ACCOUNT/QUEUE` with a form, or `path/` with X-Amz-Target and JSON."""
    account, _, queue = target.rest.strip("/").partition("/")
    json_target = prepared.header("X-Amz-Target")
    if json_target:
        content = _parsed(prepared.body)
        account, _, queue = str(content.get("QueueUrl", "")).rpartition("/")
        account = account.rpartition("/")[2]
        action = json_target.rpartition(".")[2]
        body, kind = prepared.body, "application/x-amz-json-1.0"
    else:
        form, action = _query_call(target, prepared)
        # The path says which queue, and nothing in the form does.
        form.pop("QueueUrl", None)
        body, kind = query_protocol.encoded(form), query_protocol.FORM
    headers = {"Content-Type": kind}
    if json_target:
        headers["X-Amz-Target"] = json_target
    outgoing = Outgoing(
        "sqs", account, target.region, path=f"/{account}/{queue}", headers=headers, body=body
    )
    asked = Asked(outgoing, f"sqs:{action}", f"arn:aws:sqs:{target.region}:{account}:{queue}")
    return asked, _in_json(action, prepared)


def _sns(target: Target, prepared: Prepared) -> tuple[Asked, Present]:
    """`action/Publish`, or `path//` with the action in the form."""
    form, action = _query_call(target, prepared)
    topic = form.get("TopicArn") or form.get("TargetArn") or "*"
    outgoing = Outgoing(
        "sns",
        _account(topic, prepared),
        target.region,
        headers={"Content-Type": query_protocol.FORM},
        body=query_protocol.encoded(form),
    )
    return Asked(outgoing, f"sns:{action}", topic), _in_json(action, prepared)


def _states(target: Target, prepared: Prepared) -> tuple[Asked, Present]:
    """`action/StartExecution` and the like, with the JSON of the action."""
    content = _parsed(prepared.body)
    machine = content.get("stateMachineArn") or content.get("executionArn") or "*"
    outgoing = Outgoing(
        "states",
        _account(machine, prepared),
        target.region,
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AWSStepFunctions.{target.rest}",
        },
        body=prepared.body,
    )
    return Asked(outgoing, f"states:{target.rest}", str(machine)), lambda answer: answer


S3_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


def _s3(target: Target, prepared: Prepared) -> tuple[Asked, Present]:
    """`path/BUCKET/KEY` with the method of the integration."""
    bucket, _, key = unquote(target.rest).partition("/")
    verb = str(prepared.integration.get("httpMethod") or "GET")
    verb = prepared.request.method if verb == "ANY" else verb
    action = S3_ACTIONS.get(verb, verb) if key else "ListBucket"
    outgoing = Outgoing(
        "s3",
        prepared.surroundings.account,
        target.region,
        method=verb,
        path=f"/{bucket}/{key}",
        query=dict(prepared.query),
        headers=dict(prepared.headers),
        body=prepared.body if verb not in {"GET", "HEAD", "DELETE"} else b"",
    )
    resource = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    return Asked(outgoing, f"s3:{action}", resource), lambda answer: answer


PROTOCOLS: dict[str, Protocol] = {"sqs": _sqs, "sns": _sns, "states": _states, "s3": _s3}


def _account(arn: str, prepared: Prepared) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 and parts[4] else prepared.surroundings.account  # noqa: PLR2004


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
