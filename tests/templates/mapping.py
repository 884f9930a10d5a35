"""Mapping templates of a CloudFormation template, put together and evaluated as the gateway would.

What stands between is `Fn::Join` and `Fn::FindInMap`; a reference becomes a sample.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from deploy.lab.cloud.gateway.exchange import Answer, Request
from deploy.lab.cloud.gateway.mapping import Prepared, Surroundings, prepare
from deploy.lab.cloud.gateway.responses import respond
from deploy.lab.cloud.gateway.velocity import Rendered, Variables, render
from tests.templates.reading import Node, Template

METHOD = "AWS::ApiGateway::Method"
JSON = "application/json"
REQUEST_ID = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Mapped:
    """One mapping template: of which method, for which status (None: of the request), its text."""

    method: str
    status: str | None
    text: str


def mapping_templates(template: Template) -> Iterator[Mapped]:
    """Every mapping template of every method."""
    for name, method in template.of_type(METHOD).items():
        integration = method["Integration"]
        for text in integration.get("RequestTemplates", {}).values():
            yield Mapped(name, None, joined(text, template))
        for response in integration.get("IntegrationResponses", ()):
            for text in response.get("ResponseTemplates", {}).values():
                yield Mapped(name, response["StatusCode"], joined(text, template))


def joined(value: object, template: Template) -> str:
    """A text as CloudFormation makes it."""
    match value:
        case str():
            return value
        case {"Fn::Join": [str(between), list(parts)]}:
            return between.join(joined(part, template) for part in parts)
        case {"Fn::FindInMap": [first, second, third]}:
            return str(template.content["Mappings"][first][second][third])
        case {"Ref": str(name)}:
            return f"arn:aws:service:eu-central-1:123456789012:{name}"
    raise AssertionError(value)


def integration_of(template: Template, method: str) -> Node:
    """The integration of a method."""
    found: Node = template.of_type(METHOD)[method]["Integration"]
    return found


def written(
    template: Template, method: str, body: str, headers: Mapping[str, str] | None = None
) -> Rendered:
    """What a method's template makes of a request."""
    text = joined(integration_of(template, method)["RequestTemplates"][JSON], template)
    return render(
        text,
        Variables(
            body=body,
            parameters={"header": headers or {}},
            context={"requestId": REQUEST_ID},
        ),
    )


def form(rendered: Rendered) -> dict[str, str]:
    """What a service reads from a form, in which no field may be there twice."""
    pairs = parse_qsl(rendered.text, keep_blank_values=True, strict_parsing=True, errors="strict")
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def message(body: str, **attributes: str) -> str:
    """A request's body as a careful client writes it: in UTF-8, which is short."""
    said = {"body": body, "attributes": attributes} if attributes else {"body": body}
    return json.dumps(said, ensure_ascii=False)


def answered(
    template: Template, method: str, request: Request, said: Callable[[Prepared], Answer]
) -> Answer:
    """What a method answers to a request when the service behind says that."""
    integration = as_deployed(integration_of(template, method), template)
    binary = template.of_type("AWS::ApiGateway::RestApi")["Api"]["BinaryMediaTypes"]
    responses = template.of_type(METHOD)[method]["MethodResponses"]
    surroundings = Surroundings(
        context={"requestId": REQUEST_ID},
        binary_media_types=tuple(binary),
        method_responses=frozenset(response["StatusCode"] for response in responses),
    )
    prepared = prepare(integration, request, surroundings)
    return respond(prepared, said(prepared))


def as_deployed(integration: Node, template: Template) -> Node:
    """An integration as the gateway has it, which names things a little differently."""
    responses = {
        response["StatusCode"]: {
            "statusCode": response["StatusCode"],
            "selectionPattern": response.get("SelectionPattern"),
            "contentHandling": response.get("ContentHandling"),
            "responseParameters": response.get("ResponseParameters", {}),
            "responseTemplates": {
                kind: joined(text, template)
                for kind, text in response.get("ResponseTemplates", {}).items()
            },
        }
        for response in integration["IntegrationResponses"]
    }
    return {
        "passthroughBehavior": integration["PassthroughBehavior"],
        "requestParameters": integration.get("RequestParameters", {}),
        "requestTemplates": {
            kind: joined(text, template)
            for kind, text in integration.get("RequestTemplates", {}).items()
        },
        "integrationResponses": responses,
    }
