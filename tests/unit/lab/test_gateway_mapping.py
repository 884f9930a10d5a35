"""Integration requests and responses: which template, which parameters, which bytes."""

import base64
import json
from dataclasses import replace

import pytest

from deploy.lab.cloud.border import Json
from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Request
from deploy.lab.cloud.gateway.mapping import Prepared, Surroundings, prepare
from deploy.lab.cloud.gateway.responses import respond
from deploy.lab.cloud.gateway.services import mock

PLACE = Surroundings(
    context={"requestId": "r-1", "identity": {"sourceIp": "192.0.2.1"}},
    stage_variables={"colour": "blue"},
)
POST = Request(
    "POST",
    "/things/7",
    "/things/{id}",
    {"id": "7"},
    query=(("q", "1"), ("q", "2")),
    headers=(("Content-Type", "application/json; charset=utf-8"), ("X-Two", "b")),
    body=b'{"name": "Rex", "tags": ["a"]}',
)
BINARY = replace(PLACE, binary_media_types=("image/*",))
PNG = replace(POST, headers=(("Content-Type", "image/png"),), body=b"\x89PNG\xff")


def typed(content_type: str | None) -> Request:
    headers = (("content-type", content_type),) if content_type else ()
    return replace(POST, headers=headers)


def refusal(
    integration: Json, request: Request = POST, place: Surroundings = PLACE
) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        prepare(integration, request, place)
    return caught.value


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", b"json"),
        ("Application/JSON; charset=utf-8", b"json"),
        (None, b"json"),
        ("text/xml", b"xml"),
        ("text/plain", POST.body),
    ],
)
def test_the_content_type_chooses_the_template(content_type: str | None, expected: bytes) -> None:
    integration = {"requestTemplates": {"application/json": "json", "text/xml": "xml"}}

    assert prepare(integration, typed(content_type), PLACE).body == expected


@pytest.mark.parametrize(
    ("behavior", "templates", "passes"),
    [
        ("WHEN_NO_MATCH", {"text/xml": ""}, True),
        ("WHEN_NO_MATCH", {}, True),
        ("WHEN_NO_TEMPLATES", {}, True),
        ("WHEN_NO_TEMPLATES", {"text/xml": ""}, False),
        ("NEVER", {}, False),
        ("NEVER", {"text/xml": ""}, False),
    ],
)
def test_without_a_template_the_passthrough_behavior_decides(
    behavior: str, templates: dict[str, str], *, passes: bool
) -> None:
    integration = {"requestTemplates": templates, "passthroughBehavior": behavior}

    if passes:
        assert prepare(integration, POST, PLACE).body == POST.body
    else:
        error = refusal(integration)
        assert (error.response_type, error.status) == ("UNSUPPORTED_MEDIA_TYPE", 415)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("method.request.path.id", "7"),
        ("method.request.querystring.q", "2"),
        ("method.request.header.x-two", "b"),
        ("method.request.body.name", "Rex"),
        ("method.request.body.tags[0]", "a"),
        ("method.request.body", POST.body.decode()),
        ("context.identity.sourceIp", "192.0.2.1"),
        ("stageVariables.colour", "blue"),
        ("'fixed'", "fixed"),
        ("method.request.header.Absent", ""),
        ("context.nothing.here", ""),
    ],
)
def test_parameters_come_from_where_the_mapping_says(expression: str, expected: str) -> None:
    integration = {"requestParameters": {"integration.request.header.X-Made": expression}}

    assert prepare(integration, POST, PLACE).header("x-made") == expected


def test_parameters_go_to_header_query_and_path_and_overrides_win() -> None:
    integration = {
        "requestParameters": {
            "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'",
            "integration.request.querystring.Action": "'Publish'",
            "integration.request.path.key": "method.request.path.id",
            "integration.request.path.more": "'m'",
        },
        "requestTemplates": {
            "application/json": "#set($context.requestOverride.path.key = 'over')x"
        },
    }

    made = prepare(integration, POST, PLACE)

    assert made.header("content-type") == "application/x-www-form-urlencoded"
    assert made.query == (("Action", "Publish"),)
    assert made.path == {"key": "over", "more": "m"}
    # What the client sent goes nowhere by itself.
    assert made.header("X-Two") == ""


def test_a_body_that_is_no_json_is_400_and_a_broken_template_500() -> None:
    reads = {"requestTemplates": {"application/json": "$input.json('$')"}}
    broken = {"requestTemplates": {"application/json": "#if("}}

    bad_body = refusal(reads, replace(POST, body=b"hello"))
    assert (bad_body.status, bad_body.response_type) == (400, "BAD_REQUEST_BODY")
    assert refusal(broken).status == 500


def test_bytes_that_are_no_text_are_lost_unless_their_type_is_binary() -> None:
    assert prepare({}, PNG, PLACE).body == "�PNG�".encode()
    assert prepare({}, PNG, BINARY).body == PNG.body
    as_text = prepare({"contentHandling": "CONVERT_TO_TEXT"}, PNG, BINARY)
    assert as_text.body == base64.b64encode(PNG.body)
    back = replace(POST, body=base64.b64encode(PNG.body))
    assert prepare({"contentHandling": "CONVERT_TO_BINARY"}, back, PLACE).body == PNG.body


# ---- responses ----

RESPONSES: Json = {
    "integrationResponses": {
        "202": {
            "statusCode": "202",
            "responseTemplates": {"application/json": '{"id": $input.json("$.MessageId")}'},
            "responseParameters": {
                "method.response.header.X-Request-Id": "context.requestId",
                "method.response.header.ETag": "integration.response.header.etag",
                "method.response.header.X-Id": "integration.response.body.MessageId",
                "method.response.header.X-Fixed": "'yes'",
                "method.response.header.X-None": "integration.response.header.Absent",
            },
        },
        "400": {"statusCode": "400", "selectionPattern": r"4\d{2}"},
        "502": {"statusCode": "502", "selectionPattern": r".*Task timed out.*"},
    }
}


def answered(
    backend: Answer, integration: Json = RESPONSES, request: Request = POST, **more: str | None
) -> Answer:
    return respond(made(integration, request), backend, **more)


def made(integration: Json, request: Request = POST, place: Surroundings = PLACE) -> Prepared:
    return prepare(integration, request, place)


def test_the_default_response_makes_body_and_headers() -> None:
    answer = answered(Answer(200, (("ETag", "e"),), b'{"MessageId": "m-1"}'))

    assert (answer.status, answer.body) == (202, b'{"id": "m-1"}')
    assert dict(answer.headers) == {
        "X-Request-Id": "r-1",
        "ETag": "e",
        "X-Id": "m-1",
        "X-Fixed": "yes",
        "Content-Type": "application/json",
    }


@pytest.mark.parametrize(
    ("status", "selector", "expected"),
    [
        (200, None, 202),
        (413, None, 400),
        (500, None, 202),
        (200, "2 s Task timed out after", 502),
        (200, "4000", 202),
    ],
)
def test_a_pattern_must_match_the_whole_selector(
    status: int, selector: str | None, expected: int
) -> None:
    assert answered(Answer(status, body=b"{}"), selector=selector).status == expected


def test_nothing_that_fits_is_500_and_so_is_a_status_that_the_method_lacks() -> None:
    place = replace(PLACE, method_responses=frozenset({"200"}))
    only_400 = {"integrationResponses": {"400": {"statusCode": "400", "selectionPattern": "4.."}}}

    for prepared in (made(only_400), made(RESPONSES, place=place)):
        with pytest.raises(GatewayError) as caught:
            respond(prepared, Answer(200, body=b"{}"))
        assert caught.value.status == 500


def test_a_template_overrides_status_and_headers() -> None:
    template = (
        "#if($input.path('$.full'))#set($context.responseOverride.status = 413)#end"
        "#set($context.responseOverride.header.X-Fixed = 'other')"
        "#set($context.responseOverride.header.Content-Type = 'text/plain')told"
    )
    response = {
        "statusCode": "200",
        "responseTemplates": {"application/json": template},
        "responseParameters": {"method.response.header.x-fixed": "'yes'"},
    }

    answer = answered(Answer(200, body=b'{"full": 1}'), {"integrationResponses": {"": response}})

    assert (answer.status, answer.body) == (413, b"told")
    assert dict(answer.headers) == {"X-Fixed": "other", "Content-Type": "text/plain"}


def test_the_response_template_sees_the_request_and_what_its_template_set() -> None:
    integration = {
        "requestTemplates": {
            "application/json": "#set($context.requestOverride.path.name = $input.path('$.name'))"
        },
        "integrationResponses": {
            "200": {
                "statusCode": "200",
                "responseTemplates": {
                    "application/json": "$context.requestOverride.path.name $input.params('id')"
                },
            }
        },
    }

    assert answered(Answer(200), integration).body == b"Rex 7"


@pytest.mark.parametrize(
    ("accept", "expected"), [("text/xml", b"<x/>"), ("text/html", b"{}"), ("*/*", b"{}")]
)
def test_accept_chooses_the_template_of_the_response(accept: str, expected: bytes) -> None:
    templates = {"text/xml": "<x/>", "application/json": "{}"}
    response = {"statusCode": "200", "responseTemplates": templates}
    request = replace(POST, headers=(*POST.headers, ("Accept", accept)))

    answer = answered(Answer(200), {"integrationResponses": {"200": response}}, request)

    assert answer.body == expected


def test_a_binary_answer_goes_out_as_it_came_or_as_base64() -> None:
    integration: Json = {"integrationResponses": {"200": {"statusCode": "200"}}}
    png = Answer(200, (("Content-Type", "image/png"),), PNG.body)
    wants_png = replace(POST, headers=(("Accept", "image/png"),))

    def body(request: Request, place: Surroundings) -> bytes:
        return respond(made(integration, request, place), png).body

    assert body(wants_png, BINARY) == PNG.body
    assert body(POST, BINARY) == base64.b64encode(PNG.body)
    assert body(wants_png, PLACE) == "�PNG�".encode()


# ---- mock ----


def test_a_mock_answers_with_the_status_that_its_template_says() -> None:
    integration = {
        "requestTemplates": {"application/json": '{"statusCode": $input.params("id")}'},
        "integrationResponses": {
            "200": {"statusCode": "200"},
            "404": {
                "statusCode": "404",
                "selectionPattern": "404",
                "responseTemplates": {"application/json": '{"no": "$context.requestId"}'},
            },
        },
    }

    def ask(code: str) -> Answer:
        return mock(integration, replace(POST, path_parameters={"id": code}), PLACE)

    assert ask("200") == Answer(200, (("Content-Type", "application/json"),), b"")
    assert (ask("404").status, json.loads(ask("404").body)) == (404, {"no": "r-1"})
    with pytest.raises(GatewayError):
        ask("none")
