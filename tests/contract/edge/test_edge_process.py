import signal

import pytest

from deploy.lab.addresses import HTTP_PORT
from tests.contract.edge.edge_lab import EdgeLab, ask, listens, soon
from tests.contract.edge.load import steady

pytestmark = pytest.mark.lab


def test_an_emulator_that_comes_back_empty_is_followed_again(own_lab: EdgeLab) -> None:
    a, b = own_lab.backend("a"), own_lab.backend("b")
    alb = own_lab.alb(a)
    alb.wait_until("healthy", a)

    own_lab.emulator.stop()
    soon.until(
        lambda: any("no state" in what for what in own_lab.status()["complaints"]),
        what="a complaint",
        timeout_s=10,
    )
    assert ask(alb.place)[1] == "a"

    own_lab.emulator.start()
    alb.wait_until("healthy", a)
    alb.lead_to(b.target())
    alb.wait_until("healthy", b)
    assert own_lab.status()["complaints"] == []


def test_a_killed_envoy_takes_up_where_it_was_and_health_is_not_forgotten(
    own_lab: EdgeLab,
) -> None:
    a = own_lab.backend("a")
    alb = own_lab.alb(a)
    alb.wait_until("healthy", a)

    own_lab.envoy.kill()
    own_lab.envoy.wait()
    soon.until(
        lambda: any("Envoy" in what for what in own_lab.status()["complaints"]),
        what="a complaint",
        timeout_s=10,
    )
    assert alb.state(a) == "healthy"

    own_lab.start_envoy()
    soon.until(lambda: listens(*alb.place), what="Envoy to listen", timeout_s=10)
    soon.until(lambda: ask(alb.place)[1] == "a", what="an answer", timeout_s=10)
    soon.until(lambda: own_lab.status()["complaints"] == [], what="no complaint", timeout_s=10)


def test_requests_pass_while_the_edge_is_killed_and_started_again(own_lab: EdgeLab) -> None:
    a, b = own_lab.backend("a"), own_lab.backend("b")
    alb = own_lab.alb(a)
    alb.wait_until("healthy", a)

    with steady(*alb.place) as load:
        own_lab.edge.kill()
        own_lab.edge.wait()
        alb.lead_to(a.target(), b.target())
        own_lab.start_edge()
        alb.wait_until("healthy", b)
        soon.until(lambda: load.bodies_since(0) == {"a", "b"}, what="both", timeout_s=10)

    assert load.statuses().keys() == {200}


def test_sigterm_ends_the_edge_cleanly(own_lab: EdgeLab) -> None:
    instance = own_lab.backend("one", instance=True)
    address = own_lab.addresses.elastic_ip(1)
    association = {"public_ip": address, "instance_id": "i-1", "target": instance.address}
    own_lab.emulator.add("addresses", association | {"ports": [HTTP_PORT]})
    soon.until(lambda: listens(address, HTTP_PORT), what="the address", timeout_s=10)

    own_lab.edge.send_signal(signal.SIGTERM)

    assert own_lab.edge.wait(10) == 0
    assert not listens(address, HTTP_PORT)
    assert "Traceback" not in (own_lab.state / "edge.log").read_text()


def test_what_envoy_rejects_is_said_loudly(own_lab: EdgeLab) -> None:
    a = own_lab.backend("a")
    alb = own_lab.alb(a)
    taken = own_lab.addresses.envoy_admin
    listener = alb.balancer["listeners"][0] | {"port": taken[1]}

    own_lab.emulator.change(alb.balancer, address=taken[0], listeners=[listener])

    soon.until(
        lambda: own_lab.status()["rejected"].get("listener_manager.lds", 0) > 0,
        what="the rejection in the status",
        timeout_s=10,
    )
    assert "Envoy rejected our listener_manager.lds" in (own_lab.state / "edge.log").read_text()
    assert "Address already in use" in (own_lab.state / "envoy.log").read_text()


def test_a_retry_that_is_asked_for_hides_a_dead_target(own_lab: EdgeLab) -> None:
    own_lab.edge.kill()
    own_lab.edge.wait()
    own_lab.start_edge("--retry-on", "connect-failure,reset")
    a, b = own_lab.backend("a"), own_lab.backend("b")
    alb = own_lab.alb(a, b)
    alb.wait_until("healthy", a, b)

    with steady(*alb.place) as load:
        b.kill()
        alb.wait_until("unhealthy", b)

    assert load.statuses().keys() == {200}


def test_an_address_that_is_not_loopback_is_refused(own_lab: EdgeLab) -> None:
    a = own_lab.backend("a")
    alb = own_lab.alb(a)
    alb.wait_until("healthy", a)
    place = alb.place

    own_lab.emulator.change(alb.balancer, address="0.0.0.0")  # noqa: S104 - what must not be

    soon.until(
        lambda: any("not a loopback address" in what for what in own_lab.status()["unsupported"]),
        what="the refusal in the status",
        timeout_s=10,
    )
    assert ask(place)[1] == "a"
