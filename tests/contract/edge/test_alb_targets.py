import threading
import time

import pytest

from tests.contract.edge.edge_lab import CHECK, EdgeLab, ask, soon
from tests.contract.edge.load import steady

pytestmark = pytest.mark.lab


def test_targets_come_drain_and_go_without_a_failed_request(lab: EdgeLab) -> None:
    a, b, c = lab.backend("a"), lab.backend("b"), lab.backend("c")
    alb = lab.alb(a, b)
    alb.wait_until("healthy", a, b)

    with steady(*alb.place) as load:
        alb.lead_to(a.target(), b.target(), c.target())
        alb.wait_until("healthy", c)
        soon.until(lambda: "c" in load.bodies_since(0), what="c to be asked", timeout_s=10)
        alb.lead_to(a.target(draining=True), b.target(), c.target())
        alb.wait_until("draining", a)
        drained_s = time.monotonic() + 0.5
        soon.until(lambda: load.bodies_since(drained_s) >= {"b", "c"}, what="b and c", timeout_s=10)
        alb.lead_to(b.target(), c.target())
        removed_s = time.monotonic()
        soon.until(lambda: load.bodies_since(removed_s) >= {"b", "c"}, what="b and c", timeout_s=10)

    assert set(load.statuses()) == {200}
    assert load.bodies_since(drained_s) == {"b", "c"}


def test_a_draining_target_finishes_what_it_has_begun(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)
    answers: list[tuple[int, str]] = []

    def slow() -> None:
        response, body = ask(alb.place, "/slow?ms=1500")
        answers.append((response.status, body))

    request = threading.Thread(target=slow)
    request.start()
    soon.until(lambda: lab.active_requests(alb) == 1, what="the request", timeout_s=10)
    alb.lead_to(a.target(draining=True), b.target())
    alb.wait_until("healthy", b)
    alb.lead_to(b.target())
    request.join()

    assert answers == [(200, "a")]
    assert ask(alb.place)[1] == "b"


def test_a_killed_target_is_evicted_and_comes_back(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = lab.alb(a, b)
    alb.wait_until("healthy", a, b)

    b.kill()
    alb.wait_until("unhealthy", b)
    with steady(*alb.place) as load:
        soon.until(lambda: load.statuses()[200] >= 50, what="50 answers", timeout_s=10)
    assert load.statuses().keys() == {200}
    assert load.bodies_since(0) == {"a"}

    b.start()
    alb.wait_until("healthy", b)
    with steady(*alb.place) as load:
        soon.until(lambda: load.bodies_since(0) == {"a", "b"}, what="both", timeout_s=10)
    assert load.statuses().keys() == {200}


def test_a_killed_target_costs_only_502s_until_it_is_evicted(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = lab.alb(a, b)
    alb.wait_until("healthy", a, b)

    with steady(*alb.place) as load:
        soon.until(lambda: load.statuses()[200] >= 20, what="answers", timeout_s=10)
        b.kill()
        alb.wait_until("unhealthy", b)

    assert load.statuses().keys() == {200, 502}


def test_a_wrong_status_counts_to_the_threshold_and_the_matcher_decides(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = lab.alb(a, b, check={"matcher": "200-201,418"})
    alb.wait_until("healthy", a, b)

    a.answer_health(418)
    b.answer_health(503)

    alb.wait_until("unhealthy", b)
    assert alb.state(a) == "healthy"
    b.answer_health(201)
    alb.wait_until("healthy", b)


def test_the_health_check_may_ask_another_port(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a, check={"port": 8001})
    alb.wait_until("unhealthy", a)

    lab.emulator.change(alb.group, health_check=CHECK)

    alb.wait_until("healthy", a)


def test_with_no_healthy_target_all_are_asked(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    alb = lab.alb(a, b)
    a.answer_health(500)
    b.answer_health(500)
    alb.wait_until("unhealthy", a, b)

    with steady(*alb.place) as load:
        soon.until(lambda: load.bodies_since(0) == {"a", "b"}, what="both", timeout_s=10)

    assert load.statuses().keys() == {200}


def test_a_new_target_that_does_not_listen_yet_is_initial_before_it_is_unhealthy(
    lab: EdgeLab,
) -> None:
    a = lab.backend("a")
    a.kill()
    alb = lab.alb(a, check={"unhealthy_threshold": 4})

    alb.wait_until("initial", a)
    alb.wait_until("unhealthy", a)
    a.start()
    alb.wait_until("healthy", a)


def test_least_outstanding_requests_spares_the_slow_target(lab: EdgeLab) -> None:
    a, b = lab.backend("a"), lab.backend("b")
    algorithm = {"load_balancing.algorithm.type": "least_outstanding_requests"}
    alb = lab.alb(a, b, group={"attributes": algorithm})
    alb.wait_until("healthy", a, b)

    slow = threading.Thread(target=ask, args=(alb.place, "/slow?ms=1500"))
    slow.start()
    soon.until(lambda: lab.active_requests(alb) == 1, what="the request", timeout_s=10)
    answers = {ask(alb.place)[1] for _ in range(20)}
    still_slow = slow.is_alive()
    slow.join()

    assert still_slow
    assert len(answers) == 1


def test_a_slow_start_is_understood(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a, group={"attributes": {"slow_start.duration_seconds": "30"}})

    alb.wait_until("healthy", a)

    assert ask(alb.place)[1] == "a"


def test_a_target_group_without_a_listener_is_unused(lab: EdgeLab) -> None:
    a = lab.backend("a")
    alb = lab.alb(a)
    alb.wait_until("healthy", a)

    lab.emulator.remove("load_balancers", alb.balancer)

    alb.wait_until("unused", a)
