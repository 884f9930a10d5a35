from typing import Any

import pytest

from tests.contract.edge.edge_lab import Alb, EdgeLab, ask, soon

pytestmark = pytest.mark.lab


def fixed(status: int, body: str = "") -> list[dict[str, Any]]:
    config = {"StatusCode": str(status), "ContentType": "application/json", "MessageBody": body}
    return [{"Type": "fixed-response", "FixedResponseConfig": config}]


def when(field: str, *values: object, **more: str) -> dict[str, Any]:
    config = "".join(word.capitalize() for word in field.split("-")) + "Config"
    return {"Field": field, config: {"Values": list(values), **more}}


def with_rules(lab: EdgeLab, *rules: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> Alb:
    documents = [
        {"priority": number, "conditions": conditions, "actions": actions}
        for number, (conditions, actions) in enumerate(rules, start=1)
    ]
    return lab.alb(rules=documents[::-1])


def status(
    alb: Alb, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> int:
    return ask(alb.place, path, method=method, headers=headers)[0].status


def test_the_first_matching_rule_decides_by_priority(lab: EdgeLab) -> None:
    alb = with_rules(
        lab,
        ([when("path-pattern", "/api/v?/*")], fixed(201)),
        ([when("path-pattern", "/api/*")], fixed(202)),
    )

    assert status(alb, "/api/v2/x") == 201
    assert status(alb, "/api/v10/x") == 202
    assert status(alb, "/api/?next=/api/v2/x") == 202
    assert status(alb, "/API/v2/x") == 503


def test_conditions_of_one_rule_must_all_hold(lab: EdgeLab) -> None:
    conditions = [
        {"Field": "path-pattern", "Values": ["/a", "/b"]},
        when("http-request-method", "POST", "PUT"),
        when("host-header", "*.example.com"),
        when("http-header", "*Chrome*", HttpHeaderName="User-Agent"),
        when("query-string", {"Key": "Version", "Value": "v?"}, {"Value": "any"}),
    ]
    alb = with_rules(lab, (conditions, fixed(200)))
    good = {"Host": "API.Example.com:8080", "User-Agent": "like chrome"}

    assert status(alb, "/b?x=1&version=v1", method="PUT", headers=good) == 200
    assert status(alb, "/a?z=any", method="POST", headers=good) == 200
    assert status(alb, "/b?version=v1", method="GET", headers=good) == 503
    assert status(alb, "/b?version=v10", method="PUT", headers=good) == 503
    assert status(alb, "/c?version=v1", method="PUT", headers=good) == 503
    assert status(alb, "/b?version=v1", method="PUT", headers=good | {"Host": "x.org"}) == 503


def test_a_fixed_response_is_given_as_it_is_written_even_when_it_is_an_error(
    lab: EdgeLab,
) -> None:
    alb = with_rules(lab, ([when("path-pattern", "/closed")], fixed(503, '{"closed": true}')))

    response, body = ask(alb.place, "/closed")

    assert (response.status, body) == (503, '{"closed": true}')
    assert response.headers["content-type"] == "application/json"
    assert response.headers["server"] == "awselb/2.0"


def test_a_redirect_keeps_what_it_does_not_change(lab: EdgeLab) -> None:
    secure = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    moved = {"Path": "/new/#{path}", "Query": "", "StatusCode": "HTTP_302"}
    alb = with_rules(
        lab,
        ([when("path-pattern", "/pay/*")], [{"Type": "redirect", "RedirectConfig": secure}]),
        ([when("path-pattern", "/old/*")], [{"Type": "redirect", "RedirectConfig": moved}]),
    )

    pay, _ = ask(alb.place, "/pay/1?a=b", headers={"Host": "shop.test:8080"})
    old, _ = ask(alb.place, "/old/1?a=b", headers={"Host": "shop.test:8080"})

    assert (pay.status, pay.headers["location"]) in [
        (301, "https://shop.test/pay/1?a=b"),
        (301, "https://shop.test:443/pay/1?a=b"),
    ]
    assert (old.status, old.headers["location"]) == (302, "http://shop.test:8080/new/old/1")


def test_weights_share_requests_between_target_groups(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    first, second = lab.alb(a), lab.alb(b)
    first.wait_until("healthy", a)
    second.wait_until("healthy", b)

    def weigh(one: int, other: int) -> None:
        groups = [
            {"TargetGroupArn": first.group["arn"], "Weight": one},
            {"TargetGroupArn": second.group["arn"], "Weight": other},
        ]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        [listener] = first.balancer["listeners"]
        lab.emulator.change(first.balancer, listeners=[listener | {"default_actions": [action]}])

    def answers() -> set[str]:
        return {ask(first.place)[1] for _ in range(20)}

    weigh(1, 1)
    soon.until(lambda: answers() == {"a", "b"}, what="both", timeout_s=10)
    weigh(0, 1)
    soon.until(lambda: answers() == {"b"}, what="only b", timeout_s=10)


def test_an_action_that_is_not_supported_answers_501_and_is_in_the_status(lab: EdgeLab) -> None:
    actions = [{"Type": "authenticate-oidc", "Order": 1}, {**fixed(200)[0], "Order": 2}]
    alb = with_rules(lab, ([when("path-pattern", "/login")], actions))

    response, body = ask(alb.place, "/login")

    assert response.status == 501
    assert "authenticate-oidc" in body
    soon.until(
        lambda: any("authenticate-oidc" in what for what in lab.status()["unsupported"]),
        what="the status to say so",
        timeout_s=10,
    )


def test_a_condition_that_is_not_supported_is_in_the_status(lab: EdgeLab) -> None:
    with_rules(lab, ([when("source-ip", "203.0.113.0/24")], fixed(200)))

    soon.until(
        lambda: any("source-ip" in what for what in lab.status()["unsupported"]),
        what="the status to say so",
        timeout_s=10,
    )
