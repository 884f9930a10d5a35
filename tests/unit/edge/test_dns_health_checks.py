# Pages of docs.aws.amazon.com/Route53/latest/DeveloperGuide/, read in November 2026.
from itertools import accumulate
from typing import Any

import pytest

from deploy.lab.edge.health_checks import (
    HealthCheck,
    HealthChecks,
    Status,
    after,
    health_checks,
    refusal,
)

CHECK: dict[str, Any] = {
    "id": "hc-1",
    "type": "HTTP",
    "address": "127.9.20.1",
    "port": 8080,
    "path": "/readyz",
    "interval_s": 10,
    "failure_threshold": 3,
}


def healths(checks: str, *, threshold: int) -> str:
    """Replay checks, + passed and - failed; tell the status after each."""

    def count(status: Status, check: str) -> Status:
        return after(status, "" if check == "+" else "no", threshold=threshold)

    statuses = list(accumulate(checks, count, initial=Status()))
    return "".join("+" if status.healthy else "-" for status in statuses[1:])


# health-checks-creating-values.html: the number of consecutive checks that an endpoint must pass
# or fail to change from unhealthy to healthy or the other way round.
@pytest.mark.parametrize(
    ("threshold", "checks", "expected"),
    [
        (3, "---", "++-"),
        (3, "--+--", "+++++"),
        (3, "---++-+++", "++------+"),
        (1, "-+-", "-+-"),
        (2, "--++", "+--+"),
    ],
)
def test_the_threshold_counts_in_both_directions(
    threshold: int, checks: str, expected: str
) -> None:
    assert healths(checks, threshold=threshold) == expected


# dns-failover-determining-health-of-endpoints.html: a new check is healthy until there is
# enough data.
def test_a_new_check_is_healthy() -> None:
    checks = HealthChecks()
    checks.want(health_checks({"health_checks": [CHECK]}))

    assert checks.document() == {"hc-1": {"healthy": True}}
    assert checks.failing == frozenset()


def test_a_check_that_is_gone_is_not_reported() -> None:
    checks = HealthChecks()
    checks.want(health_checks({"health_checks": [CHECK]}))
    checks.want(())

    assert checks.document() == {}


def test_a_state_document_without_health_checks_has_none() -> None:
    assert health_checks({}) == ()


def test_checks_are_read_as_the_emulator_writes_them() -> None:
    [check] = health_checks({"health_checks": [CHECK]})

    assert check == HealthCheck("hc-1", "HTTP", "127.9.20.1", 8080, "/readyz", 10.0, 3)


def test_a_checks_host_name_is_read_too() -> None:
    [check] = health_checks({"health_checks": [CHECK | {"host": "app.lab.test"}]})

    assert check.host == "app.lab.test"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"type": "TCP"}, ""),
        ({"type": "HTTPS"}, "health check hc-1: type HTTPS"),
        ({"address": "192.0.2.1"}, "192.0.2.1 is not a loopback address"),
        ({"address": "app.lab.test"}, "app.lab.test"),
    ],
)
def test_what_the_lab_does_not_check_is_said(change: dict[str, str], reason: str) -> None:
    [check] = health_checks({"health_checks": [CHECK | change]})

    assert reason in refusal(check)
    assert bool(refusal(check)) == bool(reason)
