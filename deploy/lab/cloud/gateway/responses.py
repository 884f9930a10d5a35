"""The integration response: which one, with which status, headers and body. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-integration-settings-integration-response.html
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway.exchange import Answer, Request, wrong_configuration
from deploy.lab.cloud.gateway.mapping import (
    Prepared,
    Surroundings,
    evaluated,
    pairs,
    parameter,
    part_of,
    static,
)
from deploy.lab.cloud.gateway.payloads import JSON_TYPE, as_text, decoded, is_binary, media_type

PREFIX = "method.response.header."
FROM_HEADER = "integration.response.header."
FROM_BODY = "integration.response.body"


def respond(prepared: Prepared, backend: Answer, *, selector: str | None = None) -> Answer:
    """Make a method response of what the backend said.

    `selector` is what selection patterns look at; without one it is the backend's status.

    Raises:
        GatewayError: 500 when nothing fits, or the method does not declare the status.
    """
    request, surroundings = prepared.request, prepared.surroundings
    chosen = select(prepared.integration, str(backend.status) if selector is None else selector)
    status = str(chosen.get("statusCode") or "200")
    if surroundings.method_responses is not None and status not in surroundings.method_responses:
        raise wrong_configuration(f"Output mapping refers to an invalid method response: {status}")
    body = _converted(chosen, backend, request, surroundings)
    headers = _headers(chosen, backend, request, surroundings)
    key, template = _template(chosen, media_type(request.header("Accept")))
    content_type = key or JSON_TYPE
    before = prepared.rendered
    answered = before
    if template is not None:
        answered = evaluated(template, body.decode(errors="replace"), request, surroundings, before)
        body = answered.text.encode(errors="replace")
    over = {**before.response.header, **answered.response.header}
    headers = {name: v for name, v in headers.items() if name.lower() not in _folded(over)} | over
    if "content-type" not in _folded(headers):
        headers["Content-Type"] = content_type
    override = answered.response.status or before.response.status
    return Answer(override or int(status), pairs(headers), body)


def select(integration: Json, selector: str) -> Json:
    """The response whose pattern matches the whole selector, else the one without a pattern.

    Raises:
        GatewayError: 500, there is none.
    """
    responses: list[Json] = list((integration.get("integrationResponses") or {}).values())
    for response in responses:
        pattern = response.get("selectionPattern")
        if pattern and re.fullmatch(pattern, selector):
            return response
    for response in responses:
        if not response.get("selectionPattern"):
            return response
    raise wrong_configuration(
        f"No match for output mapping and no default output mapping configured: {selector}"
    )


def _template(chosen: Json, accepted: str) -> tuple[str, str | None]:
    """By the first type of Accept, else JSON's, else the first there is."""
    templates: dict[str, str] = chosen.get("responseTemplates") or {}
    for wanted in (accepted, JSON_TYPE, *map(media_type, templates)):
        for key, template in templates.items():
            if media_type(key) == wanted:
                return media_type(key), template
    return "", None


def _headers(
    chosen: Json, backend: Answer, request: Request, surroundings: Surroundings
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for target, expression in (chosen.get("responseParameters") or {}).items():
        value = _value(expression, backend, request, surroundings)
        if target.startswith(PREFIX) and value is not None:
            found[target.removeprefix(PREFIX)] = value
    return found


def _value(
    expression: str, backend: Answer, request: Request, surroundings: Surroundings
) -> str | None:
    if (literal := static(expression)) is not None:
        return literal
    if expression.startswith(FROM_HEADER):
        return backend.header(expression.removeprefix(FROM_HEADER))
    if expression.startswith(FROM_BODY):
        text = backend.body.decode(errors="replace")
        path = expression.removeprefix(FROM_BODY).removeprefix(".")
        return part_of(text, path) if path else text
    return parameter(expression, request, surroundings)


def _converted(
    chosen: Json, backend: Answer, request: Request, surroundings: Surroundings
) -> bytes:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html."""
    handling = chosen.get("contentHandling")
    declared = surroundings.binary_media_types
    comes_binary = is_binary(media_type(backend.header("Content-Type")), declared)
    goes_binary = handling == "CONVERT_TO_BINARY" or (
        not handling and is_binary(media_type(request.header("Accept")), declared)
    )
    if comes_binary:
        return backend.body if goes_binary else base64.b64encode(backend.body)
    text = as_text(backend.body)
    return decoded(text) if goes_binary else text


def _folded(headers: Mapping[str, Any]) -> set[str]:
    return {name.lower() for name in headers}
