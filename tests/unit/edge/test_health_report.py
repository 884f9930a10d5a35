from typing import Any

from deploy.lab.edge.health import Health, Report, document, hosts, rejections, report
from deploy.lab.edge.wanted import wanted

ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123abcd"
KEY = "127.9.30.1:8000"
FAILING = {"failed_active_health_check": True, "eds_health_status": "HEALTHY"}
HEALTHY = {"eds_health_status": "HEALTHY"}
PENDING = {"failed_active_health_check": True, "pending_active_hc": True}


def seen_as(
    state: dict[str, Any],
    flags: dict[str, Any] | None,
    before: Health | None = None,
    *,
    now_s: float = 100,
) -> Health:
    """The health of the first target when Envoy says this of it; None: not in its list."""
    known: Report = {ARN: {KEY: before}} if before else {}
    cluster = {} if flags is None else {KEY: flags}
    made = report(wanted(state).target_groups, {"web-0123abcd": cluster}, known, now_s=now_s)
    return made[ARN][KEY]


def test_a_target_is_initial_until_its_first_check(state: dict[str, Any]) -> None:
    assert seen_as(state, None) == Health("initial", "Elb.RegistrationInProgress")
    assert seen_as(state, PENDING) == Health("initial", "Elb.InitialHealthChecking")
    assert seen_as(state, HEALTHY) == Health("healthy")


def test_a_new_target_is_unhealthy_only_after_the_threshold(state: dict[str, Any]) -> None:
    # Three failed checks five seconds apart: ten seconds after the first.
    first = seen_as(state, FAILING, now_s=100)
    later = seen_as(state, FAILING, first, now_s=109)
    last = seen_as(state, FAILING, later, now_s=110)

    assert [first.state, later.state, last.state] == ["initial", "initial", "unhealthy"]


def test_a_target_that_was_healthy_is_unhealthy_when_envoy_says_so(state: dict[str, Any]) -> None:
    timed_out = FAILING | {"active_hc_timeout": True}

    assert seen_as(state, FAILING, Health("healthy")).reason == "Target.FailedHealthChecks"
    assert seen_as(state, timed_out, Health("healthy")).reason == "Target.Timeout"


def test_an_envoy_that_was_started_anew_does_not_make_targets_initial(
    state: dict[str, Any],
) -> None:
    for known in (Health("healthy"), Health("unhealthy", "Target.Timeout")):
        assert seen_as(state, PENDING, known) == known
        assert seen_as(state, None, known) == known


def test_a_target_registered_again_starts_anew(state: dict[str, Any]) -> None:
    assert seen_as(state, PENDING, Health("draining")).state == "initial"


def test_draining_is_what_the_emulator_says(state: dict[str, Any]) -> None:
    made = report(wanted(state).target_groups, {"web-0123abcd": {}}, {}, now_s=0)

    assert made[ARN]["127.9.30.2:8000"].state == "draining"


def test_a_group_without_a_cluster_is_unused(state: dict[str, Any]) -> None:
    made = report(wanted(state).target_groups, {}, {}, now_s=0)

    assert made[ARN][KEY] == Health("unused", "Target.NotInUse")


def test_envoys_answer_is_read() -> None:
    socket = {"socket_address": {"address": "127.9.30.1", "port_value": 8000}}
    clusters = {
        "cluster_statuses": [
            {"name": "empty"},
            {"name": "web", "host_statuses": [{"address": socket, "health_status": HEALTHY}]},
        ]
    }

    assert hosts(clusters) == {"empty": {}, "web": {KEY: HEALTHY}}


def test_the_document_says_state_and_reason() -> None:
    assert document({ARN: {KEY: Health("healthy")}}) == {
        "targets": {ARN: {KEY: {"state": "healthy", "reason": ""}}}
    }


def test_only_what_was_rejected_is_a_rejection() -> None:
    stats = {
        "stats": [
            {"name": "listener_manager.lds.update_rejected", "value": 2},
            {"name": "cluster_manager.cds.update_rejected", "value": 0},
            {"histograms": {}},
        ]
    }

    assert rejections(stats) == {"listener_manager.lds": 2}
