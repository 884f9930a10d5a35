"""Attacks are blocked by the rule that is for them, and nothing else is blocked at all."""

import json
from itertools import product
from urllib.parse import quote

import pytest

from deploy.lab.edge.waf.managed import GROUPS
from deploy.lab.edge.waf.requests import Evaluation, Request
from tests.unit.edge import waf_corpus as corpus

AGENT = ("user-agent", "curl/8.5.0")
# What looks at values, by the beginning of its rules' names.
VALUES = {
    "SQLi": corpus.SQL_INJECTIONS,
    "CrossSiteScripting": corpus.SCRIPTS,
    "GenericLFI": corpus.LOCAL_FILES,
    "EC2MetaDataSSRF": corpus.METADATA,
    "GenericRFI": corpus.REMOTE_FILES,
    "Log4JRCE": corpus.LOOKUPS,
    "JavaDeserializationRCE": corpus.DESERIALIZATIONS,
}


def in_query(value: str) -> Request:
    return Request(query=f"copy=1&q={quote(value, safe='')}", headers=(AGENT,))


def encoded_twice(value: str) -> Request:
    return Request(query=f"q={quote(quote(value, safe=''), safe='')}", headers=(AGENT,))


def in_json(value: str) -> Request:
    body = json.dumps({"text": value, "n": [1, {"deep": value}]}).encode()
    return Request(method="POST", path="/messages", headers=(AGENT,), body=body)


def in_form(value: str) -> Request:
    body = f"id=7&text={quote(value, safe='')}".encode()
    return Request(method="POST", path="/messages", headers=(AGENT,), body=body)


def as_text(value: str) -> Request:
    return Request(method="POST", path="/messages", headers=(AGENT,), body=value.encode())


def in_parts(value: str) -> Request:
    body = f'--x1\r\nContent-Disposition: form-data; name="t"\r\n\r\n{value}\r\n--x1--\r\n'
    return Request(method="POST", path="/messages", headers=(AGENT,), body=body.encode())


PLACES = (in_query, encoded_twice, in_json, in_form, as_text, in_parts)
ATTACKS = [(kind, value) for kind, values in VALUES.items() for value in values]


def matching(request: Request) -> list[str]:
    """The names of all managed rules that match, not only of the first."""
    return [
        member.name
        for members in GROUPS.values()
        for member in members
        if member.matches(Evaluation(request))
    ]


@pytest.mark.parametrize(("kind", "value"), ATTACKS)
def test_an_attack_is_blocked_wherever_a_value_may_be(kind: str, value: str) -> None:
    missed = [
        place.__name__
        for place in PLACES
        if not any(name.startswith(kind) for name in matching(place(value)))
    ]

    assert missed == []


@pytest.mark.parametrize("value", corpus.INNOCENTS)
def test_an_innocent_value_is_not_blocked_anywhere(value: str) -> None:
    blocked = {
        place.__name__: names
        for place in PLACES
        if (names := [n for n in matching(place(value)) if n != "SizeRestrictions_QUERYSTRING"])
    }

    assert blocked == {}


@pytest.mark.parametrize(("path", "rule"), list(corpus.PATHS.items()))
def test_a_path_that_only_attackers_ask_for_is_blocked(path: str, rule: str) -> None:
    assert rule in matching(Request(path=path, headers=(AGENT,)))


@pytest.mark.parametrize(("header", "rule"), list(corpus.HEADERS.items()))
def test_a_header_that_attacks_is_blocked(header: tuple[str, str], rule: str) -> None:
    given = (header,) if header[0] == "user-agent" else (AGENT, header)

    assert rule in matching(Request(headers=given))


@pytest.mark.parametrize(
    ("method", "path"),
    list(
        product(
            ("GET", "POST", "HEAD"),
            (
                "/",
                "/messages",
                "/whoami",
                "/healthz",
                "/readyz",
                "/stats",
                "/openapi.json",
                "/docs",
                "/containers/whoami",
                "/objects/reports/2026/11/26.csv",
                "/users/o'brien",
                "/search/rock'n'roll",
                "/caf%C3%A9/men%C3%BC",
                "/files/a%20b%20(1).txt",
                "/v1.2/items/42",
            ),
        )
    ),
)
def test_a_path_of_an_application_is_not_blocked(method: str, path: str) -> None:
    browser = (
        ("host", "127.9.40.1:8080"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"),
        ("cookie", "AWSALB=abc/DEF+ghi==; session=eyJhIjoxfQ.x-y_z; theme=dark; q=it's"),
        ("referer", "http://127.9.40.1:8080/?a=b&c=d"),
        ("x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678"),
        ("if-none-match", '"33a64df551425fcc55e4d42a148795d9f25f89d4"'),
    )

    assert matching(Request(method=method, path=path, query="copy=1", headers=browser)) == []


def test_there_are_enough_of_both() -> None:
    attacks = len(ATTACKS) + len(corpus.PATHS) + len(corpus.HEADERS)

    assert attacks == len({*ATTACKS, *corpus.PATHS.items(), *corpus.HEADERS.items()})
    assert attacks >= 120
    assert len(set(corpus.INNOCENTS)) == len(corpus.INNOCENTS) >= 130
