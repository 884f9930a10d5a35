"""The integration request: which template, which parameters, which bytes. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway import json_path
from deploy.lab.cloud.gateway.exchange import (
    GatewayError,
    Pairs,
    Request,
    last,
    wrong_configuration,
)
from deploy.lab.cloud.gateway.java_values import from_json, java_text
from deploy.lab.cloud.gateway.payloads import JSON_TYPE, as_text, decoded, is_binary, media_type
from deploy.lab.cloud.gateway.velocity import (
    BodyError,
    Rendered,
    Variables,
    VelocityError,
    render,
)


@dataclass(frozen=True)
class Surroundings:
    """What an integration knows besides the request.

    `context` is what `$context` shows; `method_responses` are the status codes that the method
    declares, None when nobody looked.
    """

    context: Mapping[str, Any] = field(default_factory=dict)
    stage_variables: Mapping[str, str] = field(default_factory=dict)
    binary_media_types: tuple[str, ...] = ()
    method_responses: frozenset[str] | None = None
    account: str = "000000000000"
    region: str = "us-east-1"


@dataclass(frozen=True)
class Prepared:
    """What goes to the backend, and what the response will be made with."""

    integration: Json
    request: Request
    surroundings: Surroundings
    headers: Pairs
    query: Pairs
    path: Mapping[str, str]
    body: bytes
    rendered: Rendered = field(default_factory=lambda: Rendered(""))

    def header(self, name: str, default: str = "") -> str:
        """The last value of a header, whatever the case of its name."""
        found = last(self.headers, name, fold=True)
        return default if found is None else found


def prepare(integration: Json, request: Request, surroundings: Surroundings) -> Prepared:
    """Make the integration request of a non-proxy integration.

    Raises:
        GatewayError: 415 when no template fits and the integration says so, 400 for a body that a
            template cannot read, 500 for a template that is wrong.
    """
    template = chosen_template(integration, media_type(request.header("Content-Type")))
    body = _converted(integration, request, surroundings, templated=template is not None)
    rendered = Rendered("")
    if template is not None:
        rendered = evaluated(template, body.decode(errors="replace"), request, surroundings)
        body = rendered.text.encode(errors="replace")
    found: dict[str, dict[str, Any]] = {"header": {}, "querystring": {}, "path": {}}
    for target, expression in (integration.get("requestParameters") or {}).items():
        place, _, name = target.removeprefix("integration.request.").partition(".")
        if (value := parameter(expression, request, surroundings)) is not None:
            found[place][name] = value
    headers = _merged({"Content-Type": JSON_TYPE, "Accept": JSON_TYPE}, found["header"])
    headers = _merged(headers, rendered.request.header)
    path = {**found["path"], **rendered.request.path}
    return Prepared(
        integration,
        request,
        surroundings,
        headers=pairs(headers),
        query=pairs({**found["querystring"], **rendered.request.querystring}),
        path={name: java_text(value) for name, value in path.items()},
        body=body,
        rendered=rendered,
    )


def chosen_template(integration: Json, content_type: str) -> str | None:
    """The request template for a media type; None when the body goes through as it is.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html

    Raises:
        GatewayError: 415, by the integration's passthrough behaviour.
    """
    templates: dict[str, str] = integration.get("requestTemplates") or {}
    for key, template in templates.items():
        if media_type(key) == content_type:
            return template
    match integration.get("passthroughBehavior") or "WHEN_NO_MATCH":
        case "NEVER":
            refused = True
        case "WHEN_NO_TEMPLATES":
            refused = bool(templates)
        case _:
            refused = False
    if refused:
        raise GatewayError("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type", status=415)
    return None


def evaluated(
    template: str,
    body: str,
    request: Request,
    surroundings: Surroundings,
    before: Rendered | None = None,
) -> Rendered:
    """Evaluate a template in the surroundings of a request; errors are the gateway's."""
    variables = Variables(
        body=body,
        parameters={
            "path": request.path_parameters,
            "querystring": dict(request.query),
            "header": dict(request.headers),
        },
        context=surroundings.context,
        stage_variables=surroundings.stage_variables,
        before=before,
    )
    try:
        return render(template, variables)
    except BodyError as error:
        if before is not None:
            raise wrong_configuration(f"what the backend answered: {error}") from error
        raise GatewayError("BAD_REQUEST_BODY", str(error), status=400) from error
    except VelocityError as error:
        raise wrong_configuration(str(error)) from error


def parameter(expression: str, request: Request, surroundings: Surroundings) -> str | None:
    """The value of a mapping expression; None when the request has nothing there.

    >>> parameter("'static'", Request("GET", "/"), Surroundings())
    'static'
    """
    if (literal := static(expression)) is not None:
        return literal
    kind, _, name = expression.partition(".")
    if kind == "context":
        return _of_context(name, surroundings.context)
    if kind == "stageVariables":
        return surroundings.stage_variables.get(name)
    place, _, name = expression.removeprefix("method.request.").partition(".")
    found: dict[str, str | None] = {
        "path": request.path_parameters.get(name),
        "querystring": request.parameter(name),
        "header": request.header(name),
    }
    if place == "body":
        return _of_body(name, request.body)
    return found.get(place)


def static(expression: str) -> str | None:
    """A static value without its quotes, or None when it is something else."""
    quoted = len(expression) > 1 and expression[0] == expression[-1] == "'"
    return expression[1:-1] if quoted else None


def part_of(text: str, path: str) -> str | None:
    """What a JSON path, given without its root, finds in a body: as text, None when nothing."""
    try:
        found = json_path.find(f"$.{path}", from_json(text))
    except ValueError:
        return None
    return java_text(found[0]) if found else None


def _converted(
    integration: Json, request: Request, surroundings: Surroundings, *, templated: bool
) -> bytes:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html."""
    handling = integration.get("contentHandling")
    if not is_binary(media_type(request.header("Content-Type")), surroundings.binary_media_types):
        text = as_text(request.body)
        return decoded(text) if handling == "CONVERT_TO_BINARY" else text
    if handling == "CONVERT_TO_TEXT":
        return base64.b64encode(request.body)
    if templated:
        raise wrong_configuration("a template cannot read a binary body: CONVERT_TO_TEXT it")
    return request.body


def _of_context(name: str, context: Mapping[str, Any]) -> str | None:
    value: Any = context
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return None if value is None else java_text(value)


def _of_body(name: str, body: bytes) -> str | None:
    text = body.decode(errors="replace")
    return part_of(text, name) if name else text


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Headers in which the later ones win, whatever the case of their names."""
    taken = {name.lower() for name in over}
    return {**{name: v for name, v in under.items() if name.lower() not in taken}, **over}


def pairs(values: Mapping[str, Any]) -> Pairs:
    """Values by name as text, each of a list by itself."""
    return tuple(
        (name, java_text(item))
        for name, value in values.items()
        for item in (value if isinstance(value, list) else [value])
    )
