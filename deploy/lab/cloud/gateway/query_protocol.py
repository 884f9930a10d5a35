"""The query protocol of SQS and SNS as API Gateway speaks it: a form in, JSON out. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

FORM = "application/x-www-form-urlencoded"

# What SQS calls its lists in JSON, and whether an action gives one even when it is empty.
LISTS = {"Attribute": "Attributes", "Message": "messages"}
LIST_OF = {"GetQueueAttributes": "Attribute", "ReceiveMessage": "Message"}
# Members that are null when the action has nothing to say of them.
MEMBERS = {
    "SendMessage": (
        "MD5OfMessageAttributes",
        "MD5OfMessageBody",
        "MD5OfMessageSystemAttributes",
        "MessageId",
        "SequenceNumber",
    ),
    "Publish": ("MessageId", "SequenceNumber"),
}


def form_of(content_type: str, body: bytes, query: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a call: of the query string, and of the body when its type says a form.

    A name that comes twice has its first value, and the body's wins over the query string's.

    >>> form_of(FORM, b"MessageBody=a%26b", {"Action": "SendMessage"})
    {'Action': 'SendMessage', 'MessageBody': 'a&b'}
    """
    pairs = parse_qsl(body.decode(errors="replace")) if content_type == FORM else []
    return {**query, **dict(reversed(pairs))}


def encoded(form: Mapping[str, str]) -> bytes:
    """A form as bytes."""
    return urlencode(form).encode()


def as_json(action: str, xml: bytes) -> dict[str, Any]:
    """What the services answer when they are asked for JSON, made of their XML.

    >>> as_json("GetQueueUrl", b"<GetQueueUrlResponse xmlns='x'><GetQueueUrlResult><QueueUrl>u"
    ...     b"</QueueUrl></GetQueueUrlResult></GetQueueUrlResponse>")
    {'GetQueueUrlResponse': {'GetQueueUrlResult': {'QueueUrl': 'u'}}}
    """
    root = ET.fromstring(xml)  # noqa: S314 - the emulator's own
    content = _content(root)
    if _name(root) == "ErrorResponse":
        return content if isinstance(content, dict) else {"Error": content}
    known = dict.fromkeys(MEMBERS.get(action, ()))
    listed: dict[str, Any] = {LISTS[LIST_OF[action]]: []} if action in LIST_OF else {}
    if known or listed:
        whole: dict[str, Any] = content if isinstance(content, dict) else {}
        given = whole.get(f"{action}Result")
        result = given if isinstance(given, dict) else {}
        content = {f"{action}Result": {**listed, **known, **result}, **_without(whole, action)}
    return {_name(root): content}


def _without(whole: Mapping[str, Any], action: str) -> dict[str, Any]:
    return {key: value for key, value in whole.items() if key != f"{action}Result"}


def _content(element: ET.Element) -> Any:  # noqa: ANN401 - what JSON holds
    children = list(element)
    if not children:
        return element.text or ""
    content: dict[str, Any] = {}
    for child in children:
        name, value = _name(child), _content(child)
        if name in LISTS and isinstance(value, dict):
            content.setdefault(LISTS[name], []).append(value)
        elif name in content:
            before = content[name]
            content[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            content[name] = value
    return content


def _name(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]
