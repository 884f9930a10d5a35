"""Cookies that lead a client back to its target, and to its target group."""

from typing import Any

import pytest

from tests.contract.edge.edge_lab import Alb, Backend, EdgeLab, ask, soon

pytestmark = pytest.mark.lab

LB_COOKIE = {
    "stickiness.enabled": "true",
    "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "60",
}
APP_COOKIE = {
    "stickiness.enabled": "true",
    "stickiness.type": "app_cookie",
    "stickiness.app_cookie.cookie_name": "cart",
    "stickiness.app_cookie.duration_seconds": "60",
}


class Client:
    """Keeps cookies and sends them, as a browser does; attributes of cookies are told apart."""

    def __init__(self, alb: Alb) -> None:
        self.alb = alb
        self.cookies: dict[str, str] = {}
        self.attributes: dict[str, str] = {}

    def ask(self, path: str = "/") -> str:
        sent = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response, body = ask(self.alb.place, path, headers={"cookie": sent} if sent else {})
        assert response.status == 200
        for line in response.headers.get_all("set-cookie") or []:
            cookie, _, attributes = line.partition("; ")
            name, _, value = cookie.partition("=")
            self.cookies[name], self.attributes[name] = value, attributes
        return body

    def answers(self) -> set[str]:
        return {self.ask() for _ in range(8)}


def sticky(lab: EdgeLab, attributes: dict[str, str], *backends: Backend) -> Alb:
    alb = lab.alb(*backends, group={"attributes": attributes})
    alb.wait_until("healthy", *backends)
    return alb


def test_a_client_with_the_cookie_stays_at_its_target_and_others_take_turns(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = sticky(lab, LB_COOKIE, a, b)

    assert len(Client(alb).answers()) == 1
    assert {Client(alb).ask() for _ in range(8)} == {"a", "b"}


def test_the_cookie_is_awsalb_for_a_week_and_once_more_for_other_sites(lab: EdgeLab) -> None:
    alb = sticky(lab, LB_COOKIE, lab.backend("a"))
    client = Client(alb)

    client.ask()

    assert client.attributes == {
        "AWSALB": "Max-Age=604800; Path=/",
        "AWSALBCORS": "Max-Age=604800; Path=/; SameSite=None; Secure",
    }


def test_a_target_that_becomes_unhealthy_gives_its_clients_to_another(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = sticky(lab, LB_COOKIE, a, b)
    client = Client(alb)
    mine, other = (a, b) if client.ask() == "a" else (b, a)

    mine.answer_health(500)
    alb.wait_until("unhealthy", mine)
    assert client.answers() == {other.name}

    # It comes back, and the client has a new cookie.
    mine.answer_health(200)
    alb.wait_until("healthy", mine)
    assert client.answers() == {other.name}


def test_a_target_that_is_deregistered_gets_none_of_its_clients_any_more(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = sticky(lab, LB_COOKIE, a, b)
    client = Client(alb)
    mine, other = (a, b) if client.ask() == "a" else (b, a)

    alb.lead_to(mine.target(draining=True), other.target())
    alb.wait_until("draining", mine)

    assert client.answers() == {other.name}


def test_a_cookie_whose_duration_is_over_is_not_heard_and_each_answer_begins_it_anew(
    lab: EdgeLab,
) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = sticky(lab, LB_COOKIE, a, b)
    client = Client(alb)
    client.ask()
    target, _, until_s = client.cookies["AWSALB"].rpartition(".")

    def asked_with(until: int) -> set[str]:
        found = set()
        for _ in range(8):
            client.cookies = {"AWSALB": f"{target}.{until}"}
            found.add(client.ask())
        return found

    assert asked_with(1) == {"a", "b"}
    assert len(asked_with(int(until_s))) == 1
    client.cookies = {"AWSALB": f"{target}.{int(until_s) - 30}"}
    client.ask()
    assert int(client.cookies["AWSALB"].rpartition(".")[2]) >= int(until_s)


def test_an_application_cookie_binds_once_the_target_has_set_its_own(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = sticky(lab, APP_COOKIE, a, b)
    client = Client(alb)

    assert client.answers() == {"a", "b"}
    assert client.cookies == {}

    client.ask("/set?cart=full")
    assert client.cookies.keys() == {"cart", "AWSALBAPP-0"}
    assert len(client.answers()) == 1

    # Who no longer sends the application's cookie is free again.
    del client.cookies["cart"]
    found = {client.ask() for _ in range(8)}
    assert found == {"a", "b"}


def test_the_target_sees_the_clients_cookies_and_none_of_our_headers(lab: EdgeLab) -> None:
    alb = sticky(lab, LB_COOKIE, lab.backend("a"))
    client = Client(alb)
    client.ask()

    seen = client.ask("/echo")

    assert "AWSALB=" in seen
    assert "x-lab" not in seen


def weighted(lab: EdgeLab, alb: Alb, other: Alb, *, attributes: dict[str, Any]) -> None:
    groups = [
        {"TargetGroupArn": alb.group["arn"], "Weight": 1},
        {"TargetGroupArn": other.group["arn"], "Weight": 1},
    ]
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": attributes}
    [listener] = alb.balancer["listeners"]
    action = {"Type": "forward", "ForwardConfig": config}
    lab.emulator.change(alb.balancer, listeners=[listener | {"default_actions": [action]}])


def test_a_client_stays_at_the_target_group_that_weights_gave_it(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    blue, green = sticky(lab, {}, a), sticky(lab, LB_COOKIE, b)
    weighted(lab, blue, green, attributes={"Enabled": True, "DurationSeconds": 60})
    soon.until(
        lambda: {Client(blue).ask() for _ in range(20)} == {"a", "b"},
        what="both groups to be asked",
        timeout_s=10,
    )

    clients = [Client(blue) for _ in range(20)]
    at_first = [client.ask() for client in clients]

    assert [client.answers() for client in clients] == [{one} for one in at_first]
    names = {client.ask(): client.cookies.keys() for client in clients}
    assert names["a"] == {"AWSALBTG", "AWSALBTGCORS"}
    assert names["b"] == {"AWSALBTG", "AWSALBTGCORS", "AWSALB", "AWSALBCORS"}
    assert clients[0].attributes["AWSALBTG"] == "Max-Age=604800; Path=/"
