"""Token buckets, quotas, and what a stage says of a method. Pure."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.lab.cloud.gateway.exchange import GatewayError
from deploy.lab.cloud.gateway.keys import Use, spend
from deploy.lab.cloud.gateway.settings import from_template, of_method
from deploy.lab.cloud.gateway.throttling import Buckets, Quotas, Target, plan_limits, stage_limits


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


TARGET = Target("api", "live", "/a", "GET")


def test_a_bucket_is_refilled_at_its_rate_and_never_above_its_burst() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    limits = stage_limits(TARGET, {"throttlingRateLimit": 2, "throttlingBurstLimit": 3})

    at_once = [buckets.take(limits) for _ in range(4)]
    clock.now = 0.5
    after_half_a_second = [buckets.take(limits) for _ in range(2)]
    clock.now = 100
    after_long = [buckets.take(limits) for _ in range(4)]

    assert at_once == [True, True, True, False]
    assert after_half_a_second == [True, False]
    assert after_long == [True, True, True, False]


def test_a_lower_limit_takes_effect_at_once() -> None:
    buckets = Buckets(Clock())
    wide = stage_limits(TARGET, {"throttlingRateLimit": 100, "throttlingBurstLimit": 100})
    closed = stage_limits(TARGET, {"throttlingRateLimit": 0, "throttlingBurstLimit": 0})

    assert buckets.take(wide)
    assert not buckets.take(closed)


def test_a_plan_limits_each_key_and_a_method_of_it() -> None:
    plan = {
        "id": "p",
        "throttle": {"rateLimit": 1, "burstLimit": 3},
        "apiStages": [
            {
                "apiId": "api",
                "stage": "live",
                "throttle": {"/a/GET": {"RateLimit": 1, "BurstLimit": 1}},
            }
        ],
    }
    buckets = Buckets(Clock())

    mine = [buckets.take(plan_limits(plan, "mine", TARGET)) for _ in range(2)]
    yours = buckets.take(plan_limits(plan, "yours", TARGET))
    other = [
        buckets.take(plan_limits(plan, "mine", Target("api", "live", "/b", "GET")))
        for _ in range(3)
    ]

    assert (mine, yours) == ([True, False], True)
    assert other == [True, True, False]


@pytest.mark.parametrize(
    ("period", "until"),
    [
        ("DAY", datetime(2026, 11, 27, tzinfo=UTC)),
        ("WEEK", datetime(2026, 11, 30, tzinfo=UTC)),
        ("MONTH", datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_a_quota_lasts_until_its_period_ends(period: str, until: datetime) -> None:
    clock = Clock(datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp())
    quotas = Quotas(clock)
    quota = {"limit": 2, "offset": 1, "period": period}

    first = [quotas.take("k", quota) for _ in range(2)]
    clock.now = until.timestamp() - 1
    before = quotas.take("k", quota)
    clock.now = until.timestamp()
    after = [quotas.take("k", quota) for _ in range(3)]

    assert first == [True, False], "the offset counts in the first period"
    assert not before
    assert after == [True, True, False]


def test_the_rate_of_a_plan_is_looked_at_before_its_quota() -> None:
    plan: dict[str, Any] = {
        "id": "p",
        "throttle": {"rateLimit": 0, "burstLimit": 1},
        "quota": {"limit": 1, "period": "DAY"},
    }
    use, buckets, quotas = Use({"id": "k"}, plan), Buckets(Clock()), Quotas(Clock())

    spend(use, TARGET, buckets, quotas)
    with pytest.raises(GatewayError, match="THROTTLED"):
        spend(use, TARGET, buckets, quotas)
    assert not quotas.take(("p", "k"), plan["quota"])


# ---- Settings of a stage ----


def test_a_methods_own_settings_count_before_the_stages() -> None:
    stage = {
        "methodSettings": from_template(
            [
                {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": "7"},
                {"ResourcePath": "/a", "HttpMethod": "GET", "CachingEnabled": "true"},
            ]
        )
    }

    own, other = of_method(stage, "/a", "GET"), of_method(stage, "/a", "POST")

    assert (own["throttlingRateLimit"], own["cachingEnabled"]) == (7.0, True)
    assert (other["throttlingRateLimit"], other["cachingEnabled"]) == (7.0, False)
    assert own["cacheTtlInSeconds"] == 300
