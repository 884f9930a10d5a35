"""Integrations of type AWS: API Gateway calls a service itself, with a role of the API's owner.

https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-request-basic-setup.html
"""

import json
import re
from dataclasses import replace

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import permissions
from deploy.lab.cloud.gateway.backends import Backend
from deploy.lab.cloud.gateway.exchange import Answer, Request, wrong_configuration
from deploy.lab.cloud.gateway.mapping import Prepared, Surroundings, prepare
from deploy.lab.cloud.gateway.permissions import NotAssumableError, Use
from deploy.lab.cloud.gateway.responses import respond
from deploy.lab.cloud.gateway.service_calls import PROTOCOLS, Asked, refused, target_of

NOT_FOUND = 404
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


async def integrate(
    integration: Json, request: Request, surroundings: Surroundings, backend: Backend
) -> Answer:
    """Answer a request by the service that the integration names.

    Raises:
        GatewayError: see `prepare`, `ask` and `respond`.
    """
    prepared = prepare(integration, request, surroundings)
    uri = PLACEHOLDER.sub(
        lambda name: prepared.path.get(name[1], name[0]), str(integration.get("uri"))
    )
    return respond(prepared, await ask(prepared, uri, backend))


def mock(integration: Json, request: Request, surroundings: Surroundings) -> Answer:
    """Answer without a backend, by the status that the request's template says.

    Raises:
        GatewayError: 500, the template says none.
    """
    prepared = prepare(integration, request, surroundings)
    try:
        status = int(json.loads(prepared.body)["statusCode"])
    except (ValueError, KeyError, TypeError) as error:
        raise wrong_configuration(
            "Unable to parse statusCode. It should be an integer and defined in request template."
        ) from error
    return respond(prepared, Answer(status))


async def ask(prepared: Prepared, uri: str, backend: Backend) -> Answer:
    """What the service that the integration's URI names answers.

    Raises:
        GatewayError: 500, there is no such service or the role cannot be assumed.
    """
    target = target_of(uri)
    if (protocol := PROTOCOLS.get(target.service)) is None:
        raise wrong_configuration(f"the lab integrates no {target.service!r}")
    asked, present = protocol(target, prepared)
    if asked.action == "sqs:":
        return Answer(404, (("Content-Type", "application/xml"),), b"<UnknownOperationException/>")
    refusal = _refusal(prepared, asked)
    answered = refused(target.service, refusal) if refusal else await backend(asked.outgoing)
    if answered.status == NOT_FOUND and asked.action == "s3:GetObject":
        # Who may not list a bucket is not told what is missing in it:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        bucket = asked.resource.partition("/")[0]
        listing = replace(asked, action="s3:ListBucket", resource=bucket)
        if refusal := _refusal(prepared, listing):
            answered = refused(target.service, refusal)
    return present(answered)


def _refusal(prepared: Prepared, asked: Asked) -> str:
    surroundings = prepared.surroundings
    use = Use(
        asked.action,
        asked.resource,
        surroundings.account,
        asked.outgoing.region,
        f"arn:aws:execute-api:{surroundings.region}:{surroundings.account}:"
        f"{surroundings.context.get('apiId', '')}",
    )
    try:
        return permissions.denied(str(prepared.integration.get("credentials") or ""), use)
    except NotAssumableError as error:
        raise wrong_configuration(str(error)) from error
