"""Mapping templates are code: what a caller sends is a value in them and never becomes more."""

import json
import re

import pytest

from deploy.lab.cloud.gateway.velocity import Rendered
from tests.templates.mapping import (
    REQUEST_ID,
    Mapped,
    form,
    mapping_templates,
    message,
    written,
)
from tests.templates.reading import TEMPLATES, Template, each_template

DIRECT = next(it for it in TEMPLATES if it.slug == "apigw_direct")
# What comes from outside, in the words of a template.
FROM_OUTSIDE = re.compile(r"\$!?\{?input\b")
# What a template prints: a reference outside of a directive's parentheses.
DIRECTIVE = re.compile(r"#(?:set|if|elseif|foreach)\b")
SAFE = re.compile(r"\$!?\{?util\.(?:urlEncode|escapeJavaScript)\(")

ATTACKS = [
    "hello&DelaySeconds=900",
    "hello&Action=PurgeQueue",
    "hello&Action=DeleteQueue&QueueUrl=https://sqs.example/1/other",
    "hello&MessageAttribute.1.Name=idempotency-key&MessageAttribute.1.Value.StringValue=forged",
    "hello&TopicArn=arn:aws:sns:eu-central-1:210987654321:theirs",
    "hello%26DelaySeconds%3D900",
    "hello;DelaySeconds=900",
    "hello+world 100% = %zz %00 %EF%BF%BF \x7f \ufffd",
    '"}],"stateMachineArn":"arn:aws:states:eu-central-1:210987654321:stateMachine:theirs","x":["',
    'it\'s "quoted" and \\ and \\" and \\u0022',
    "one\ntwo\r\nthree\ttabbed",
    "$context.requestId ${requestId} $input.body $!{form} $util.urlEncode('x')",
    "#set($problem = '') #end #if(true) #stop ## gone #* gone *#",
    "#[[ $literal ]]# \\$escaped \\#set",
    "<MessageBody>&amp;</MessageBody><![CDATA[ ]]>",
    "ä 茶 🫖 \U0001f469\u200d\U0001f469\u200d\U0001f467 e\u0301 \u202eabc\u2028\u2029\ufeff",
    "${jndi:ldap://x/y} {{7*7}} %{(#a=1)}",
    " leading and trailing ",
    "=",
    "&",
    "x" * 262_144,
    "🫖" * 65_536,
]


def short(text: str) -> str:
    return ascii(text[:30])


each_attack = pytest.mark.parametrize("attack", ATTACKS, ids=short)


def problem(rendered: Rendered) -> tuple[str, str] | None:
    """What the template tells the one that answers, as field and code."""
    told = rendered.request.path
    return (str(told["field"]), str(told["code"])) if "problem" in told else None


# ---- What every template of ours keeps to ------------------------------------------------------


def unescaped(text: str) -> list[str]:
    """The references to what comes from outside that a template prints without escaping them."""
    return [found for found in printed(text) if FROM_OUTSIDE.search(found)]


def printed(text: str) -> list[str]:
    """What a template prints, without what it escapes and without its directives."""
    kept, position = [], 0
    while position < len(text):
        if match := DIRECTIVE.match(text, position) or SAFE.match(text, position):
            position = closing(text, text.index("(", match.start())) + 1
        else:
            kept.append(text[position])
            position += 1
    return "".join(kept).split("\x00")


def closing(text: str, opening: int) -> int:
    """Where the parenthesis is closed that is opened here."""
    depth, quote = 0, ""
    for position in range(opening, len(text)):
        character = text[position]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                return position
    raise AssertionError(text[opening:])


@each_template
def test_no_template_prints_what_comes_from_outside_as_it_came(template: Template) -> None:
    raw = [it for it in mapping_templates(template) if unescaped(it.text)]

    assert raw == []


@pytest.mark.parametrize(
    "careless",
    [
        "Action=SendMessage&MessageBody=$input.body",
        "Action=SendMessage&MessageBody=$input.path('$.body')",
        "#if(true)MessageBody=$util.urlEncode($input.body)&Key=$input.params('Key')#end",
        '{"input":"$input.json(\'$\')"}',
        "MessageBody=${input.body}",
        "MessageBody=$!input.body",
    ],
)
def test_a_careless_template_would_be_found(careless: str) -> None:
    assert unescaped(careless)


def test_a_careful_template_is_left_alone() -> None:
    assert not unescaped(
        "#set($x = $input.path('$.a)b'))&M=$util.urlEncode($input.body)&N=$util.urlEncode($x)"
    )


@each_template
def test_what_a_template_remembers_of_the_outside_is_escaped_where_it_is_printed(
    template: Template,
) -> None:
    for mapped in mapping_templates(template):
        outside = remembered(mapped)
        for name in outside:
            assert not re.search(rf"\$!?\{{?{name}\b", "".join(printed(mapped.text))), name


def remembered(mapped: Mapped) -> set[str]:
    """Variables that a template sets to something from outside, as it came."""
    found = re.findall(r"#(?:set\(|foreach\()\$(\w+) (?:=|in) \$(\w+)", mapped.text)
    names = {"input"}
    for _ in found:
        names |= {name for name, source in found if source in names}
    # The numbers of /stats are SQS's, and only SQS can set them.
    return names - {"input", "it"} - {"visible", "inFlight", "delayed"}


@each_template
def test_a_template_that_writes_a_request_takes_only_what_it_knows(template: Template) -> None:
    for name, method in template.of_type("AWS::ApiGateway::Method").items():
        integration = method["Integration"]
        if integration["Type"] in {"AWS", "MOCK"} and "RequestTemplates" in integration:
            assert integration["PassthroughBehavior"] == "NEVER", name


# ---- POST /messages and POST /events -----------------------------------------------------------

ROUTES = {
    "PostMessage": ("MessageBody", "MessageAttribute.", "SendMessage"),
    "PostEvent": ("Message", "MessageAttributes.entry.", "Publish"),
}
each_route = pytest.mark.parametrize("method", ROUTES)


def attributes_in(method: str, fields: dict[str, str]) -> dict[str, str]:
    prefix = ROUTES[method][1]
    return {
        value: fields[key.removesuffix("Name") + "Value.StringValue"]
        for key, value in fields.items()
        if key.startswith(prefix) and key.endswith(".Name")
    }


@each_route
@each_attack
def test_a_body_is_one_field_of_the_form_whatever_it_says(method: str, attack: str) -> None:
    body, _, action = ROUTES[method]

    fields = form(written(DIRECT, method, message(attack)))

    assert fields[body] == attack
    assert fields["Action"] == action
    plain = form(written(DIRECT, method, message("hello")))
    assert {**fields, body: ""} == {**plain, body: ""}


@each_route
@pytest.mark.parametrize("attack", [it for it in ATTACKS if len(it) <= 1024], ids=short)
def test_an_attribute_arrives_as_it_was_sent(method: str, attack: str) -> None:
    fields = form(written(DIRECT, method, message("hello", colour=attack, **{"a.b-c_1": "x"})))

    assert attributes_in(method, fields) == {
        "colour": attack,
        "a.b-c_1": "x",
        "request-id": REQUEST_ID,
    }


@each_route
def test_the_key_and_the_callers_id_travel_with_the_message(method: str) -> None:
    headers = {"idempotency-KEY": "a b&c=~", "x-Request-Id": "Root=1-2;x@y/z"}

    rendered = written(DIRECT, method, message("hello"), headers)

    assert attributes_in(method, form(rendered)) == {
        "idempotency-key": "a b&c=~",
        "request-id": "Root=1-2;x@y/z",
    }
    assert rendered.request.path["requestId"] == "Root=1-2;x@y/z"


@pytest.mark.parametrize("insane", ['"', "a b", "a\nb", "x" * 129, "", "$requestId", "ä"])
def test_an_insane_id_is_not_taken_over(insane: str) -> None:
    rendered = written(DIRECT, "PostMessage", message("hello"), {"X-Request-Id": insane})

    assert rendered.request.path["requestId"] == REQUEST_ID


@each_route
def test_of_a_key_that_is_there_twice_the_last_counts(method: str) -> None:
    rendered = written(DIRECT, method, '{"body": "first", "body": "last&DelaySeconds=900"}')

    assert form(rendered)[ROUTES[method][0]] == "last&DelaySeconds=900"


# Too long for a message; an event's length is judged by the topic.
LONG = message("x" * 524_200)
REFUSED = {
    "{}": "body",
    '{"body": null}': "body",
    '{"body": 7}': "body",
    '{"body": true}': "body",
    '{"body": ["a"]}': "body",
    '{"body": {"length": 3}}': "body",
    '{"body": ""}': "body",
    LONG: "body",
    '{"body": "half \\ud83e"}': "body",
    '{"body": "ring\\u0007"}': "body",
    '{"body": "end\\u0000"}': "body",
    '{"body": "no \\uffff"}': "body",
    '{"body": "a", "delay": 900}': "",
    '{"body": "a", "DelaySeconds": 900}': "",
    '{"body": "a", "a\\"b": 1}': "",
    '{"body": "a", "attributes": []}': "attributes",
    '{"body": "a", "attributes": ""}': "attributes",
    '{"body": "a", "attributes": 7}': "attributes",
    '{"body": "a", "attributes": {"": "x"}}': "attributes",
    '{"body": "a", "attributes": {"a b": "x"}}': "attributes",
    '{"body": "a", "attributes": {"a&b=c": "x"}}': "attributes",
    '{"body": "a", "attributes": {"a\\nb": "x"}}': "attributes",
    '{"body": "a", "attributes": {"$context": "x"}}': "attributes",
    '{"body": "a", "attributes": {"AWS.Trace": "x"}}': "attributes",
    '{"body": "a", "attributes": {"Request-Id": "x"}}': "attributes",
    '{"body": "a", "attributes": {"idempotency-key": "x"}}': "attributes",
    json.dumps({"body": "a", "attributes": {"n" * 65: "x"}}): "attributes",
    '{"body": "a", "attributes": {"n": 1}}': "attributes.n",
    '{"body": "a", "attributes": {"n": null}}': "attributes.n",
    '{"body": "a", "attributes": {"n": ""}}': "attributes.n",
    '{"body": "a", "attributes": {"n": {"a": "b"}}}': "attributes.n",
    '{"body": "a", "attributes": {"n": "\\ud800"}}': "attributes.n",
    '{"body": "a", "attributes": {"n": "\\u001f"}}': "attributes.n",
    json.dumps({"body": "a", "attributes": {"n": "x" * 1025}}): "attributes.n",
    json.dumps({"body": "a", "attributes": {f"n{n}": "x" for n in range(8)}}): "attributes",
}


@pytest.mark.parametrize("body", REFUSED, ids=lambda it: ascii(it[:60]))
def test_what_the_service_refuses_is_refused_and_sends_nothing(body: str) -> None:
    rendered = written(DIRECT, "PostMessage", body)

    assert problem(rendered) == (REFUSED[body], "invalid_request")
    # A request without a message: SQS is bound to refuse it.
    assert form(rendered) == {"Action": "SendMessage", "Version": "2012-11-05"}


@pytest.mark.parametrize("body", sorted(REFUSED.keys() - {LONG}), ids=lambda it: ascii(it[:60]))
def test_what_is_refused_as_a_message_is_refused_as_an_event(body: str) -> None:
    rendered = written(DIRECT, "PostEvent", body)

    assert problem(rendered) == (REFUSED[body], "invalid_request")
    # Neither topic nor message.
    assert form(rendered) == {"Action": "Publish", "Version": "2010-03-31"}


@pytest.mark.parametrize("key", ["", "k" * 129, "ä", "tab\t", "line\nbreak"])
def test_a_key_that_the_service_refuses_is_refused(key: str) -> None:
    rendered = written(DIRECT, "PostMessage", message("hello"), {"Idempotency-Key": key})

    assert problem(rendered) == ("Idempotency-Key", "invalid_request")


@pytest.mark.parametrize("body", ["x" * 262_145, "ä" * 131_073, "🫖" * 65_537])
def test_a_body_over_the_limit_in_bytes_is_refused_by_its_name(body: str) -> None:
    rendered = written(DIRECT, "PostMessage", json.dumps({"body": body}, ensure_ascii=False))

    assert problem(rendered) == ("body", "invalid_request")


def test_a_request_over_the_limit_is_too_large_whatever_is_in_it() -> None:
    rendered = written(DIRECT, "PostMessage", message("x" * 524_288))

    assert problem(rendered) == ("", "content_too_large")


def test_an_event_over_the_limit_is_left_for_the_topic_to_refuse() -> None:
    rendered = written(DIRECT, "PostEvent", message("x" * 262_145))

    assert problem(rendered) is None
    assert len(form(rendered)["Message"]) == 262_145


@pytest.mark.parametrize("attributes", ["null", "{}"])
def test_no_attributes_are_no_problem(attributes: str) -> None:
    rendered = written(DIRECT, "PostMessage", f'{{"body": "a", "attributes": {attributes}}}')

    assert problem(rendered) is None


# ---- POST /executions --------------------------------------------------------------------------


@each_attack
def test_an_execution_gets_the_body_as_it_came(attack: str) -> None:
    body = json.dumps({"text": attack, "n": 1.50, "nested": [{"it's": None}]})

    asked = json.loads(written(DIRECT, "PostExecution", body).text)

    assert asked.keys() == {"stateMachineArn", "input"}
    assert asked["input"] == body
    assert asked["stateMachineArn"].endswith(":StateMachine")


@each_attack
def test_an_execution_gets_text_that_is_not_ascii_as_it_came(attack: str) -> None:
    body = json.dumps({"text": attack}, ensure_ascii=False)

    assert json.loads(written(DIRECT, "PostExecution", body).text)["input"] == body


def test_a_key_becomes_the_name_of_the_execution() -> None:
    rendered = written(DIRECT, "PostExecution", "{}", {"Idempotency-Key": "order-7"})

    assert json.loads(rendered.text)["name"] == "order-7"


@pytest.mark.parametrize("key", ["", "a b", 'x","stateMachineArn":"y', "k" * 81, "ä"])
def test_a_key_that_is_no_name_is_refused_and_starts_nothing(key: str) -> None:
    rendered = written(DIRECT, "PostExecution", "{}", {"Idempotency-Key": key})

    assert problem(rendered) == ("Idempotency-Key", "invalid_request")
    assert "stateMachineArn" not in json.loads(rendered.text)
