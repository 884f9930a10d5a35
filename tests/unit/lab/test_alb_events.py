"""Events of load balancers: those that AWS's users captured, and many that nobody thought of."""

import base64
import json
import random
from collections.abc import Iterable
from urllib.parse import quote_plus

import pytest

from deploy.lab.cloud.alb_answers import MalformedAnswerError, answer
from deploy.lab.cloud.alb_events import NotTextError, Request, event
from deploy.lab.cloud.function_policies import may_invoke

GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/functions/0123abcd"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


def request(
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = "/",
    query: str = "",
    body: bytes = b"",
) -> Request:
    return Request(method, path, query, headers, body)


def test_a_form_with_letters_from_elsewhere_is_not_decoded() -> None:
    query = "test%C2%A5Param=Hello+World%3A+%C2%A5&multi%C2%A5Value=red+%C2%A5&multi%C2%A5Value=b"
    asked = request(("X-Multi", "veg,pea"), ("x-multi", "veg"), path="/pp%C2%A5pp", query=query)

    last = event(asked, GROUP, multi_value=False)
    every = event(asked, GROUP, multi_value=True)

    assert last["path"] == every["path"] == "/pp%C2%A5pp"
    assert last["queryStringParameters"] == {
        "test%C2%A5Param": "Hello+World%3A+%C2%A5",
        "multi%C2%A5Value": "b",
    }
    assert last["headers"] == {"x-multi": "veg"}
    assert every["multiValueQueryStringParameters"]["multi%C2%A5Value"] == ["red+%C2%A5", "b"]
    assert every["multiValueHeaders"] == {"x-multi": ["veg,pea", "veg"]}


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("", {}),
        ("&k=v", {"k": ["v"]}),
        ("k", {"k": [""]}),
        ("k=", {"k": [""]}),
        ("=v", {"": ["v"]}),
        ("k=a=b", {"k": ["a=b"]}),
        ("k=1&K=2&k=3", {"k": ["1", "3"], "K": ["2"]}),
        ("k=a;j=b", {"k": ["a;j=b"]}),
        ("k=%", {"k": ["%"]}),
        ("a[]=1&a[]=2", {"a[]": ["1", "2"]}),
    ],
)
def test_odd_queries(query: str, parameters: dict[str, list[str]]) -> None:
    described = event(request(query=query), GROUP, multi_value=True)

    assert described["multiValueQueryStringParameters"] == parameters


@pytest.mark.parametrize(
    ("headers", "in_base64"),
    [
        ((("Content-Type", "application/json"),), False),
        ((("content-type", "Application/JSON; charset=utf-8"),), False),
        ((("content-type", "text/anything"),), False),
        ((("content-type", "application/xml"),), False),
        ((("content-type", "application/javascript"),), False),
        ((("content-type", "application/jsonp"),), True),
        ((("content-type", "application/problem+json"),), True),
        ((("content-type", "application/x-www-form-urlencoded"),), True),
        ((("content-type", "multipart/form-data; boundary=x"),), True),
        ((("content-type", "application/json"), ("Content-Encoding", "gzip")), True),
        ((("content-type", ""),), True),
        ((), True),
    ],
)
def test_the_type_decides_whether_a_body_goes_as_it_is(
    headers: Iterable[tuple[str, str]], *, in_base64: bool
) -> None:
    body = '{"body": "hé"}'.encode()

    described = event(request(*headers, method="POST", body=body), GROUP, multi_value=False)

    assert described["isBase64Encoded"] is in_base64
    assert described["body"] == (base64.b64encode(body).decode() if in_base64 else body.decode())


def test_without_a_body_nothing_is_encoded() -> None:
    for headers in ((), (("content-type", "image/png"),), (("content-encoding", "gzip"),)):
        described = event(request(*headers, method="POST"), GROUP, multi_value=True)

        assert (described["body"], described["isBase64Encoded"]) == ("", False)


def test_text_that_is_none_is_refused() -> None:
    with pytest.raises(NotTextError):
        event(request(("content-type", "text/plain"), body=b"\xff"), GROUP, multi_value=False)


def test_whatever_is_sent_can_be_read_back() -> None:
    dice = random.Random(6)  # noqa: S311 - the same odd requests each time
    for _ in range(500):
        pairs = [(_word(dice), _word(dice)) for _ in range(dice.randrange(5))]
        headers = [(f"x-{dice.choice('abcAB')}", _word(dice)) for _ in range(dice.randrange(5))]
        body = dice.randbytes(dice.randrange(40))
        asked = request(
            *headers,
            ("content-type", dice.choice(["image/png", "application/json", "text/html", "a"])),
            query="&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs),
            body=body,
            method=dice.choice(["GET", "HEAD", "PURGE", "POST"]),
        )
        try:
            every = json.loads(json.dumps(event(asked, GROUP, multi_value=True)))
        except NotTextError:
            continue
        last = event(asked, GROUP, multi_value=False)

        sent = every["body"]
        assert (base64.b64decode(sent) if every["isBase64Encoded"] else sent.encode()) == body
        parameters = every["multiValueQueryStringParameters"]
        assert sum(map(len, parameters.values())) == len(pairs)
        for name, value in headers:
            assert value in every["multiValueHeaders"][name.lower()]
        assert last["headers"] == {n: v[-1] for n, v in every["multiValueHeaders"].items()}
        assert last["queryStringParameters"] == {n: v[-1] for n, v in parameters.items()}


def _word(dice: random.Random) -> str:
    return "".join(dice.choice("ab&=+% ?#/¥茶,;\"'[]") for _ in range(dice.randrange(1, 6)))


# ---- answers ----


def test_headers_under_the_other_name_are_passed_over() -> None:
    both = {"headers": {"A": "1"}, "multiValueHeaders": {"B": ["2", "3"]}}
    plain = {"statusCode": 200, "isBase64Encoded": False}

    assert answer(plain | both, multi_value=False).headers[0] == ("A", "1")
    assert answer(plain | both, multi_value=True).headers[:2] == (("B", "2"), ("B", "3"))
    only = {"headers": {"Content-Type": "text/html"}}
    assert answer(plain | only, multi_value=True).headers == (
        ("content-type", "application/octet-stream"),
    )


@pytest.mark.parametrize("status", [0, 99, 101, 600, True, 200.0, "200", None])
def test_a_status_is_a_number_of_http(status: object) -> None:
    with pytest.raises(MalformedAnswerError, match="statusCode"):
        answer({"statusCode": status, "headers": {}}, multi_value=False)


def test_a_body_may_be_left_out() -> None:
    made = answer({"statusCode": 204, "headers": {}, "isBase64Encoded": False}, multi_value=False)

    assert made.body == b""


# ---- permissions ----


def statement(**changes: object) -> dict[str, object]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "elasticloadbalancing.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
        "Condition": {
            "ArnLike": {"AWS:SourceArn": GROUP.rpartition("/")[0] + "/*"},
            "StringEquals": {"AWS:SourceAccount": "123456789012"},
        },
        **changes,
    }


def allowed(*statements: dict[str, object]) -> bool:
    return may_invoke(
        {"Statement": list(statements)},
        service="elasticloadbalancing.amazonaws.com",
        source_arn=GROUP,
        function_arn=FUNCTION,
    )


def test_a_policy_lets_in_whom_it_names() -> None:
    assert allowed(statement())
    assert allowed(statement(Condition={}), statement(Principal={"Service": "s3.amazonaws.com"}))
    assert allowed(statement(Principal="*", Action="lambda:*"))


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"Service": "apigateway.amazonaws.com"}},
        {"Action": "lambda:GetFunction"},
        {"Resource": FUNCTION + ":live"},
        {"Condition": {"ArnLike": {"AWS:SourceArn": GROUP + "x"}}},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "999999999999"}}},
        {"Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}},
        {"Effect": "Deny"},
    ],
)
def test_a_policy_lets_in_nobody_else(changes: dict[str, object]) -> None:
    assert not allowed(statement(**changes))
    assert not allowed()
