import pytest

from deploy.lab.edge.waf.rates import Rate
from deploy.lab.edge.waf.requests import Request
from deploy.lab.edge.waf.service import Protection, key
from deploy.lab.edge.wanted import Json
from tests.unit.edge.waf_rules import ACL, Clock, acl, byte_match, rule

RESOURCE = "arn:aws:elasticloadbalancing:us-east-1:0:loadbalancer/app/web/1"


def rate(clock: Clock, *, limit: int = 10, window_s: int = 60) -> Rate:
    return Rate(limit=limit, window_s=window_s, check_every_s=10, clock=clock)


def asked(counter: Rate, times: int, who: str = "a") -> list[bool]:
    return [counter.count(who) for _ in range(times)]


def test_a_burst_passes_until_the_next_check() -> None:
    clock = Clock()
    counter = rate(clock)

    assert not any(asked(counter, 100))
    clock.now_s += 10
    assert counter.count("a")


def test_the_limit_itself_is_allowed() -> None:
    clock = Clock()
    counter = rate(clock)
    asked(counter, 10, "at")
    asked(counter, 11, "over")

    clock.now_s += 10

    assert (counter.count("at"), counter.count("over")) == (False, True)


def test_who_stops_is_let_in_again_once_the_window_has_passed() -> None:
    clock = Clock()
    counter = rate(clock)
    asked(counter, 11)
    clock.now_s += 60
    assert counter.count("a")

    clock.now_s += 10

    assert not counter.count("a")


def test_who_goes_on_stays_blocked() -> None:
    clock = Clock()
    counter = rate(clock)
    asked(counter, 11)
    for _ in range(30):
        clock.now_s += 10
        assert all(asked(counter, 3))


def test_everybody_is_counted_apart() -> None:
    clock = Clock()
    counter = rate(clock)
    asked(counter, 11, "a")
    asked(counter, 5, "b")

    clock.now_s += 10

    assert (counter.count("a"), counter.count("b")) == (True, False)


def test_only_what_is_in_scope_is_counted() -> None:
    clock = Clock()
    limit = {
        "Limit": "10",
        "EvaluationWindowSec": "60",
        "AggregateKeyType": "IP",
        "ScopeDownStatement": byte_match("/limited"),
    }
    web_acl = acl(rule({"RateBasedStatement": limit}), clock=clock)
    for _ in range(50):
        web_acl.decide(Request(path="/other"))
    for _ in range(8):
        web_acl.decide(Request(path="/limited"))
    clock.now_s += 10
    assert web_acl.decide(Request(path="/limited")).reply is None

    for _ in range(8):
        web_acl.decide(Request(path="/limited"))
    clock.now_s += 10

    assert web_acl.decide(Request(path="/limited")).reply
    assert web_acl.decide(Request(path="/limited", client="127.0.0.2")).reply is None
    assert web_acl.decide(Request(path="/other")).reply is None


def test_a_constant_key_counts_everybody_together() -> None:
    clock = Clock()
    limit = {
        "Limit": 10,
        "AggregateKeyType": "CONSTANT",
        "ScopeDownStatement": byte_match("/"),
    }
    web_acl = acl(rule({"RateBasedStatement": limit}), clock=clock)
    for number in range(11):
        web_acl.decide(Request(client=f"127.0.0.{number}"))

    clock.now_s += 10

    assert web_acl.decide(Request(client="127.0.0.99")).reply


def document(limit: int, *more: Json) -> dict[str, object]:
    given = {"RateBasedStatement": {"Limit": limit, "AggregateKeyType": "IP"}}
    return {
        "arn": ACL,
        "name": "web",
        "default_action": {"Allow": {}},
        "rules": [rule(given), *more],
        "custom_response_bodies": {},
        "resources": [RESOURCE],
    }


@pytest.mark.parametrize(
    ("changed", "still_blocked"),
    [
        (document(10), True),
        (document(10, rule(byte_match("/x"), name="other", priority=2)), True),
        (document(20), False),
    ],
)
def test_counts_outlive_a_change_but_not_one_of_the_limit(
    changed: dict[str, object],
    still_blocked: bool,  # noqa: FBT001
) -> None:
    clock = Clock()
    protection = Protection(check_every_s=10, clock=clock)
    assert protection.want([document(10)]) == []
    for _ in range(11):
        protection.decide(key(RESOURCE), Request())
    clock.now_s += 10

    protection.want([changed])

    decision = protection.decide(key(RESOURCE), Request())
    assert decision
    assert (decision.reply is not None) is still_blocked


def test_what_cannot_be_carried_out_is_said_and_decides_nothing() -> None:
    protection = Protection(check_every_s=10)
    broken = document(10, rule({"GeoMatchStatement": {}}, name="geo", priority=2))

    refused = protection.want([broken])

    assert len(refused) == 1
    assert "web ACL web: the rule geo: a GeoMatchStatement" in refused[0]
    assert protection.decide(key(RESOURCE), Request()) is None
