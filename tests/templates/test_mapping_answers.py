"""What the mapping templates of apigw-direct make of what the services say: one shape for all."""

import json
import re
from typing import Any

import pytest

from deploy.lab.cloud.gateway.exchange import Answer, GatewayError, Request
from tests.templates.mapping import METHOD, REQUEST_ID, answered, message
from tests.templates.reading import TEMPLATES, Template, each_template

DIRECT = next(it for it in TEMPLATES if it.slug == "apigw_direct")
JSON = (("Content-Type", "application/json"),)
OWN_ID = (("x-request-id", "mine"),)
# What nobody outside shall read.
INSIDE = "arn:aws:iam::123456789012:role/x at com.amazonaws.Trace(Trace.java:7) <Error/>"


def post(body: str, *headers: tuple[str, str]) -> Request:
    return Request("POST", "/", headers=(*JSON, *headers), body=body.encode())


def query_error(status: int, code: str, why: str = INSIDE) -> Answer:
    """As SQS and SNS say it."""
    error = {"Error": {"Code": code, "Message": why, "Type": "Sender"}, "RequestId": "r"}
    return Answer(status, JSON, json.dumps(error).encode())


def json_error(status: int, kind: str, why: str = INSIDE) -> Answer:
    """As Step Functions says it."""
    return Answer(status, JSON, json.dumps({"__type": kind, "message": why}).encode())


def ask(method: str, request: Request, said: Answer) -> Answer:
    return answered(DIRECT, method, request, lambda _: said)


def shown(answer: Answer) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal, which has the shape of all refusals."""
    told: dict[str, Any] = json.loads(answer.body)
    assert told.keys() == {"error", "request_id"}
    assert told["request_id"] == answer.header("X-Request-Id")
    assert INSIDE not in answer.body.decode()
    assert (answer.status == 503) == (answer.header("Retry-After") is not None)
    return answer.status, told["error"]["code"], told["error"].get("field")


TAKEN = {
    "PostMessage": {"SendMessageResponse": {"SendMessageResult": {"MessageId": "m-1"}}},
    "PostEvent": {"PublishResponse": {"PublishResult": {"MessageId": "m-1"}}},
    "PostExecution": {"executionArn": "arn:aws:states:r:1:execution:x:m-1", "startDate": 1.0},
}


@pytest.mark.parametrize("method", TAKEN)
@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/octet-stream"])
def test_what_was_taken_is_answered_with_its_id(method: str, accept: str) -> None:
    said = Answer(200, JSON, json.dumps(TAKEN[method]).encode())

    answer = ask(method, post(message("hello"), *OWN_ID, ("accept", accept)), said)

    assert (answer.status, json.loads(answer.body)) == (202, {"id": "m-1"})
    assert answer.header("X-Request-Id") == "mine"
    assert answer.header("Content-Type") == "application/json"


SQS = {
    "InvalidMessageContents": (422, "message_refused"),
    "InvalidParameterValue": (422, "message_refused"),
    "AWS.SimpleQueueService.NonExistentQueue": (503, "queue_unavailable"),
    "RequestThrottled": (503, "queue_unavailable"),
    "AccessDenied": (503, "queue_unavailable"),
    "KmsDisabled": (503, "queue_unavailable"),
}


@pytest.mark.parametrize("code", SQS)
@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_what_sqs_refuses_is_told_in_our_words(code: str, status: int) -> None:
    answer = ask("PostMessage", post(message("hello"), *OWN_ID), query_error(status, code))

    assert shown(answer) == (*SQS[code], None)
    assert answer.header("X-Request-Id") == "mine"


SNS = {
    ("InvalidParameter", f"Invalid parameter: Message too long {INSIDE}"): 413,
    ("InvalidParameter", INSIDE): 422,
    ("InvalidParameterValue", INSIDE): 422,
    ("NotFound", INSIDE): 503,
    ("Throttled", INSIDE): 503,
    ("AuthorizationError", INSIDE): 503,
}


@pytest.mark.parametrize("said", SNS, ids=lambda it: f"{it[0]}-{it[1][:30]}")
def test_what_sns_refuses_is_told_in_our_words(said: tuple[str, str]) -> None:
    answer = ask("PostEvent", post(message("hello")), query_error(400, *said))

    assert shown(answer)[0] == SNS[said]


TOO_LONG = f"Value at 'input' … length less than or equal to 262144 {INSIDE}"
STATES = {
    ("com.amazonaws.swf.service.v2.model#ExecutionAlreadyExists", INSIDE): 409,
    ("ExecutionAlreadyExists", INSIDE): 409,
    ("ValidationException", TOO_LONG): 413,
    ("com.amazon.coral.validate#ValidationException", INSIDE): 422,
    ("InvalidExecutionInput", INSIDE): 422,
    ("ExecutionLimitExceeded", INSIDE): 503,
    ("ThrottlingException", INSIDE): 503,
    ("StateMachineDoesNotExist", INSIDE): 503,
    ("AccessDeniedException", INSIDE): 503,
}


@pytest.mark.parametrize("said", STATES, ids=lambda it: f"{it[0]}-{it[1][:30]}")
def test_what_step_functions_refuses_is_told_in_our_words(said: tuple[str, str]) -> None:
    answer = ask("PostExecution", post("{}"), json_error(400, *said))

    assert shown(answer)[0] == STATES[said]


@pytest.mark.parametrize("method", TAKEN)
@pytest.mark.parametrize("said", ["{}", '{"Error": null}', '{"message": null}', ""])
def test_what_is_said_in_a_way_that_nobody_expects_is_unavailable(method: str, said: str) -> None:
    answer = ask(method, post(message("hello")), Answer(500, JSON, said.encode()))

    assert shown(answer)[0] == 503


def test_what_the_template_refused_wins_over_what_the_service_says_of_it() -> None:
    said = query_error(400, "MissingParameter")

    assert shown(ask("PostMessage", post('{"body": 7}'), said)) == (422, "invalid_request", "body")
    assert shown(ask("PostEvent", post('{"body": 7}'), query_error(403, "AuthorizationError"))) == (
        422,
        "invalid_request",
        "body",
    )
    assert shown(ask("PostMessage", post(message("x" * 524_288)), said)) == (
        413,
        "content_too_large",
        None,
    )
    key = ("Idempotency-Key", "a b")
    refused = ask("PostExecution", post("{}", key), json_error(400, "ValidationException"))
    assert shown(refused) == (422, "invalid_request", "Idempotency-Key")


@pytest.mark.parametrize("method", ["GetReadyz", "GetStats"])
def test_a_queue_that_cannot_be_asked_is_unavailable(method: str) -> None:
    request = Request("GET", "/", headers=OWN_ID)

    answer = ask(method, request, query_error(403, "AccessDenied"))

    assert shown(answer) == (503, "queue_unavailable", None)


def test_stats_are_three_numbers_whatever_their_order() -> None:
    names = {"Delayed": 3, "": 1, "NotVisible": 2}
    told = [
        {"Name": f"ApproximateNumberOfMessages{name}", "Value": str(value)}
        for name, value in names.items()
    ]
    said = {"GetQueueAttributesResponse": {"GetQueueAttributesResult": {"Attributes": told}}}

    answer = ask("GetStats", Request("GET", "/"), Answer(200, JSON, json.dumps(said).encode()))

    assert json.loads(answer.body) == {"visible": 1, "in_flight": 2, "delayed": 3}


S3 = {
    ("GetObject", 404): (404, "not_found"),
    ("GetObject", 403): (503, "bucket_unavailable"),
    ("GetObject", 500): (503, "bucket_unavailable"),
    ("PutObject", 400): (422, "object_refused"),
    ("PutObject", 404): (503, "bucket_unavailable"),
    ("PutObject", 403): (503, "bucket_unavailable"),
    ("PutObject", 503): (503, "bucket_unavailable"),
}


@pytest.mark.parametrize("said", S3, ids=str)
@pytest.mark.parametrize("accept", ["*/*", "application/octet-stream"])
def test_what_s3_refuses_is_told_in_our_words(said: tuple[str, int], accept: str) -> None:
    method, status = said
    request = Request("GET", "/", path_parameters={"key": "k"}, headers=(("Accept", accept),))
    xml = Answer(status, (("Content-Type", "application/xml"),), f"<Error>{INSIDE}".encode())

    assert shown(ask(method, request, xml)) == (*S3[said], None)


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/octet-stream", "image/png"])
@pytest.mark.parametrize(
    "kind", DIRECT.of_type("AWS::ApiGateway::RestApi")["Api"]["BinaryMediaTypes"]
)
def test_an_object_is_kept_byte_by_byte_and_never_shown_as_a_page(accept: str, kind: str) -> None:
    content = bytes(range(256))
    stored: list[tuple[bytes, str]] = []

    def s3(prepared: Any) -> Answer:  # noqa: ANN401 - a prepared request
        stored.append((prepared.body, prepared.header("Content-Type")))
        return Answer(200, (("ETag", '"e"'),))

    put = Request("PUT", "/", path_parameters={"key": "k"}, headers=(("Content-Type", kind),))
    put_answer = answered(DIRECT, "PutObject", Request(**{**vars(put), "body": content}), s3)
    ((kept, kept_as),) = stored
    got = Request("GET", "/", path_parameters={"key": "k"}, headers=(("Accept", accept),))
    answer = ask("GetObject", got, Answer(200, (("Content-Type", kept_as),), kept))

    assert (put_answer.status, json.loads(put_answer.body)) == (201, {"id": "k"})
    assert (answer.status, answer.body) == (200, content)
    assert answer.header("Content-Type") == "application/octet-stream"
    assert answer.header("Content-Disposition") == "attachment"
    assert answer.header("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("key", ["it's", '"', "a\\b", "</script>", "ä茶🫖", "a\nb", "$input.body"])
def test_a_key_is_told_as_it_was(key: str) -> None:
    request = Request("PUT", "/", path_parameters={"key": key})

    assert json.loads(ask("PutObject", request, Answer(200)).body) == {"id": key}


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
    ],
)
@pytest.mark.parametrize("method", TAKEN)
def test_what_is_not_called_json_never_reaches_a_service(method: str, kind: str) -> None:
    request = Request("POST", "/", headers=(("Content-Type", kind),), body=b'{"body": "x"}')

    with pytest.raises(GatewayError) as caught:
        answered(DIRECT, method, request, lambda _: pytest.fail("it was asked"))

    assert caught.value.response_type == "UNSUPPORTED_MEDIA_TYPE"


@each_template
def test_no_status_fits_two_selection_patterns(template: Template) -> None:
    # Which of them would count is nowhere said.
    for name, method in template.of_type(METHOD).items():
        responses = method["Integration"].get("IntegrationResponses", ())
        patterns = [it["SelectionPattern"] for it in responses if "SelectionPattern" in it]
        for status in range(400, 600):
            fitting = [it for it in patterns if re.fullmatch(it, str(status))]
            assert len(fitting) == min(len(patterns), 1), (name, status)


def test_a_method_that_a_path_does_not_have_names_those_that_it_has() -> None:
    methods = DIRECT.of_type(METHOD)
    others = {name: it for name, it in methods.items() if name.startswith("Other")}
    for name, other in others.items():
        answer = ask(name, Request("DELETE", "/", headers=OWN_ID), Answer(405))
        there = sorted(
            it["HttpMethod"]
            for it in methods.values()
            if it["ResourceId"] == other["ResourceId"] and it["HttpMethod"] != "ANY"
        )
        assert shown(answer) == (405, "method_not_allowed", None)
        assert (answer.header("Allow") or "").split(", ") == there
    paths = {json.dumps(it["ResourceId"]) for it in methods.values()}
    assert len(others) == len(paths) - 1  # all but the path for everything else


def test_a_path_that_is_not_there_is_answered_in_our_words() -> None:
    answer = ask("AnyOtherPath", Request("GET", "/x", headers=OWN_ID), Answer(404))

    assert shown(answer) == (404, "not_found", None)
    assert json.loads(answer.body)["request_id"] == "mine" != REQUEST_ID
