"""Route 53 as part of the edge process: zones and checks from the emulator, real targets."""

import socket
from typing import Any

import pytest

from deploy.lab.edge.dns.stub import LookUpFailedError, look_up
from tests.contract.edge.edge_lab import Backend, EdgeLab, soon

pytestmark = pytest.mark.lab

# Route 53's own are 10 s and 30 s; a test has no time for that.
INTERVAL_S = 0.1


class Zone:
    """A hosted zone of a test's own, seen from both sides."""

    def __init__(self, lab: EdgeLab, *records: dict[str, Any]) -> None:
        self.lab = lab
        self.name = f"zone{next(lab.numbers)}.test."
        self.item: dict[str, Any] = {"id": self.name, "name": self.name, "records": []}
        lab.emulator.add("hosted_zones", self.item)
        self.hold(*records)

    def hold(self, *records: dict[str, Any]) -> None:
        named = [{"name": f"app.{self.name}", "type": "A", "ttl_s": 5} | each for each in records]
        self.lab.emulator.change(self.item, records=named)

    def check(self, backend: Backend, **more: object) -> str:
        """Make a health check of a backend."""
        id_ = f"hc-{backend.address}"
        check = {
            "id": id_,
            "type": "HTTP",
            "address": backend.address,
            "port": backend.port,
            "path": "/health",
            "interval_s": INTERVAL_S,
            "failure_threshold": 2,
        } | more
        self.lab.emulator.add("health_checks", check)
        return id_

    def addresses(self) -> set[str]:
        try:
            return set(look_up(f"app.{self.name}", self.lab.addresses.dns).addresses)
        except LookUpFailedError:
            return set()

    def wait_until_it_answers(self, *expected: str) -> None:
        soon.until(
            lambda: self.addresses() == set(expected),
            what=f"{self.name} to answer {expected}",
            timeout_s=10,
        )


def member(zone: Zone, backend: Backend, **check: object) -> dict[str, Any]:
    return {
        "set_id": backend.name,
        "values": [backend.address],
        "multivalue": True,
        "health_check_id": zone.check(backend, **check),
    }


def wait_for_report(lab: EdgeLab, backend: Backend, *, healthy: bool) -> None:
    checks = lab.emulator.observed_checks
    soon.until(
        lambda: checks.get(f"hc-{backend.address}", {}).get("healthy") == healthy,
        what="the report",
        timeout_s=10,
    )


def test_an_instance_that_dies_is_left_out_until_it_is_back(lab: EdgeLab) -> None:
    one, two = lab.backend("one", instance=True), lab.backend("two", instance=True)
    zone = Zone(lab)
    zone.hold(member(zone, one), member(zone, two))
    zone.wait_until_it_answers(one.address, two.address)

    one.kill()
    zone.wait_until_it_answers(two.address)
    wait_for_report(lab, one, healthy=False)
    assert "no connection" in lab.emulator.observed_checks[f"hc-{one.address}"]["reason"]
    wait_for_report(lab, two, healthy=True)

    one.start()
    zone.wait_until_it_answers(one.address, two.address)
    wait_for_report(lab, one, healthy=True)


def test_when_all_die_all_are_answered(lab: EdgeLab) -> None:
    one, two = lab.backend("one", instance=True), lab.backend("two", instance=True)
    zone = Zone(lab)
    zone.hold(member(zone, one), member(zone, two))
    one.kill()
    zone.wait_until_it_answers(two.address)

    two.kill()

    zone.wait_until_it_answers(one.address, two.address)
    one.start()
    two.start()


@pytest.mark.parametrize(("status", "healthy"), [(204, True), (301, True), (404, False)])
def test_a_status_of_2xx_or_3xx_passes(lab: EdgeLab, status: int, healthy: bool) -> None:  # noqa: FBT001
    one, two = lab.backend("one", instance=True), lab.backend("two", instance=True)
    zone = Zone(lab)
    one.answer_health(status)
    zone.hold(member(zone, one), member(zone, two))

    zone.wait_until_it_answers(*([one.address] if healthy else []), two.address)
    soon.until(lambda: bool(one.last_health_check()), what="a check", timeout_s=10)
    asked = one.last_health_check()

    assert asked["host"] == f"{one.address}:{one.port}"
    assert "Route-53-Health-Check" in asked["user-agent"]


def test_a_failing_status_takes_an_instance_out(lab: EdgeLab) -> None:
    one, two = lab.backend("one", instance=True), lab.backend("two", instance=True)
    zone = Zone(lab)
    zone.hold(member(zone, one), member(zone, two))
    zone.wait_until_it_answers(one.address, two.address)

    one.answer_health(500)

    zone.wait_until_it_answers(two.address)


def test_a_check_by_tcp_wants_no_more_than_a_connection(lab: EdgeLab) -> None:
    one, two = lab.backend("one", instance=True), lab.backend("two", instance=True)
    zone = Zone(lab)
    one.answer_health(500)
    zone.hold(member(zone, one, type="TCP"), member(zone, two))
    wait_for_report(lab, two, healthy=True)

    two.answer_health(500)
    zone.wait_until_it_answers(one.address)

    one.kill()
    wait_for_report(lab, one, healthy=False)
    one.start()


def test_a_check_may_name_a_host(lab: EdgeLab) -> None:
    one = lab.backend("one", instance=True)
    zone = Zone(lab)
    zone.hold(member(zone, one, host="app.lab.test"))

    soon.until(lambda: bool(one.last_health_check()), what="a check", timeout_s=10)

    assert one.last_health_check()["host"] == f"app.lab.test:{one.port}"


def test_an_alias_follows_the_load_balancer(lab: EdgeLab) -> None:
    target = lab.backend("target")
    alb = lab.alb(target)
    address = alb.balancer["address"]
    zone = Zone(lab)
    alias = {"dns_name": address, "evaluate_target_health": True}
    zone.hold(
        {"set_id": "1", "failover": "PRIMARY", "alias": alias},
        {"set_id": "2", "failover": "SECONDARY", "values": ["127.0.0.9"]},
    )

    alb.wait_until("healthy", target)
    zone.wait_until_it_answers(address)
    assert look_up(f"app.{zone.name}", lab.addresses.dns).ttl_s == 60

    target.kill()
    zone.wait_until_it_answers("127.0.0.9")
    target.start()


def test_a_zone_that_is_gone_is_refused(lab: EdgeLab) -> None:
    zone = Zone(lab, {"values": ["127.0.0.9"]})
    zone.wait_until_it_answers("127.0.0.9")

    lab.emulator.remove("hosted_zones", zone.item)

    zone.wait_until_it_answers()
    with pytest.raises(LookUpFailedError, match="REFUSED"):
        look_up(f"app.{zone.name}", lab.addresses.dns)


def test_what_is_not_done_is_said_and_the_rest_is(lab: EdgeLab) -> None:
    zone = Zone(lab, {"values": ["127.0.0.9"], "health_check_id": "hc-far"})
    far = {"id": "hc-far", "type": "HTTPS", "address": "127.0.0.9", "port": 443, "path": "/"}
    lab.emulator.add("health_checks", far | {"interval_s": 1, "failure_threshold": 1})

    soon.until(
        lambda: "health check hc-far: type HTTPS" in lab.status()["dns"]["unsupported"],
        what="the refusal in the status",
        timeout_s=10,
    )

    assert zone.addresses() == {"127.0.0.9"}


def test_a_zone_that_makes_no_sense_changes_nothing(own_lab: EdgeLab) -> None:
    good = Zone(own_lab, {"values": ["127.0.0.9"]})
    good.wait_until_it_answers("127.0.0.9")

    bad = Zone(own_lab, {"name": "app.elsewhere.", "values": ["127.0.0.1"]})

    soon.until(
        lambda: any("app.elsewhere." in what for what in own_lab.status()["unsupported"]),
        what="the refusal in the status",
        timeout_s=10,
    )
    assert good.addresses() == {"127.0.0.9"}
    own_lab.emulator.remove("hosted_zones", bad.item)
    good.hold({"values": ["127.0.0.8"]})
    good.wait_until_it_answers("127.0.0.8")


def test_an_edge_that_is_killed_answers_again_when_it_is_back(own_lab: EdgeLab) -> None:
    zone = Zone(own_lab, {"values": ["127.0.0.9"]})
    zone.wait_until_it_answers("127.0.0.9")

    own_lab.edge.kill()
    own_lab.edge.wait()
    with pytest.raises(LookUpFailedError, match="no answer"):
        look_up(f"app.{zone.name}", own_lab.addresses.dns)
    own_lab.start_edge()

    zone.wait_until_it_answers("127.0.0.9")


def test_an_address_that_is_taken_is_tried_until_it_is_free(own_lab: EdgeLab) -> None:
    zone = Zone(own_lab, {"values": ["127.0.0.9"]})
    own_lab.edge.kill()
    own_lab.edge.wait()

    with socket.create_server(own_lab.addresses.dns):
        own_lab.start_edge()
        soon.until(
            lambda: "cannot listen" in own_lab.status()["dns"]["complaint"],
            what="the complaint in the status",
            timeout_s=10,
        )
    zone.wait_until_it_answers("127.0.0.9")

    soon.until(lambda: not own_lab.status()["dns"]["complaint"], what="none", timeout_s=10)
