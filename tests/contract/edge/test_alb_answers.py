import json
import re

import pytest

from tests.contract.edge.edge_lab import EdgeLab, ask, soon

pytestmark = pytest.mark.lab

TRACE = r"1-[0-9a-f]{8}-[0-9a-f]{24}"


def test_no_target_is_503_in_the_load_balancers_own_words(lab: EdgeLab) -> None:
    alb = lab.alb()

    response, body = ask(alb.place)

    assert response.status == 503
    assert response.headers["server"] == "awselb/2.0"
    assert response.headers["content-type"] == "text/html"
    assert "<center><h1>503 Service Temporarily Unavailable</h1></center>" in body


def test_a_group_whose_targets_all_drain_is_503(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)

    alb.lead_to(a.target(draining=True))

    alb.wait_until("draining", a)
    soon.until(lambda: ask(alb.place)[0].status == 503, what="503", timeout_s=10)


def test_a_refused_connection_is_502(lab: EdgeLab) -> None:
    a = lab.backend("a")
    a.kill()
    alb = lab.alb(a)
    alb.wait_until("unhealthy", a)

    response, body = ask(alb.place)

    assert response.status == 502
    assert "<title>502 Bad Gateway</title>" in body


def test_a_connection_reset_by_the_target_is_502(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)

    response, body = ask(alb.place, "/reset")

    assert response.status == 502
    assert response.headers["server"] == "awselb/2.0"
    assert "<h1>502 Bad Gateway</h1>" in body


def test_a_target_silent_for_the_idle_timeout_is_504(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a, attributes={"idle_timeout.timeout_seconds": "0.5"})
    alb.wait_until("healthy", a)

    response, body = ask(alb.place, "/slow?ms=3000")

    assert response.status == 504
    assert "<h1>504 Gateway Time-out</h1>" in body


def test_an_error_of_the_target_stays_the_targets(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    a.answer_health(503)

    response, body = ask(alb.place, "/health")

    assert (response.status, body) == (503, "health")
    assert str(response.headers["server"]).startswith("BaseHTTP")


def test_the_target_gets_the_forwarding_headers_and_no_others(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)

    response, body = ask(alb.place, "/echo?a=b", headers={"X-Request-Id": "mine"})

    echoed = json.loads(body)
    sent = echoed["headers"]
    assert echoed["path"] == "/echo?a=b"
    assert sent.pop("x-forwarded-for") == "127.0.0.1"
    assert sent.pop("x-forwarded-proto") == "http"
    assert sent.pop("x-forwarded-port") == "8080"
    assert re.fullmatch(f"Root={TRACE}", sent.pop("x-amzn-trace-id"))
    assert sent.pop("x-request-id") == "mine"
    assert sent == {"host": f"{alb.place[0]}:8080", "accept-encoding": "identity"}
    assert {name.lower() for name in response.headers} == {"server", "date", "content-length"}


def test_what_the_client_says_of_itself_is_kept_and_added_to(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    root = "Root=1-67891233-abcdef012345678912345678"

    given = {"X-Forwarded-For": "203.0.113.7", "X-Amzn-Trace-Id": f"Self=1-1-1;{root};Who=me"}
    sent = json.loads(ask(alb.place, "/echo", headers=given)[1])["headers"]

    assert re.split(", ?", sent["x-forwarded-for"]) == ["203.0.113.7", "127.0.0.1"]
    assert re.fullmatch(f"Self={TRACE};{root};Who=me", sent["x-amzn-trace-id"])


def test_attributes_of_the_load_balancer_decide_about_headers(lab: EdgeLab) -> None:
    a = lab.backend("a")
    attributes = {
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "routing.http.xff_header_processing.mode": "preserve",
    }
    alb = lab.alb(a, attributes=attributes)
    alb.wait_until("healthy", a)

    given = {"X-Forwarded-For": "203.0.113.7", "Under_Score": "dropped"}
    sent = json.loads(ask(alb.place, "/echo", headers=given)[1])["headers"]

    assert sent["x-forwarded-for"] == "203.0.113.7"
    assert "under_score" not in sent


def test_health_checks_come_from_elb(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)

    asked = a.last_health_check()

    assert asked["user-agent"] == "ELB-HealthChecker/2.0"
    assert asked["host"] == f"{a.address}:{a.port}"
