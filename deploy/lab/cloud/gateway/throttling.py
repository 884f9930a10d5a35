"""Token buckets and quotas: who is turned away with 429, and by which limit.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.lab.cloud.border import Json

Clock = Callable[[], float]

# Of an account in a region, for all its APIs together (same page, November 2026).
ACCOUNT_RATE = 10_000.0
ACCOUNT_BURST = 5_000


@dataclass(frozen=True)
class Limit:
    """So many requests a second (`rate`), and so many at once (`burst`)."""

    key: Hashable
    rate: float
    burst: int


class Buckets:
    """A token bucket for each limit: full at first, refilled at the rate, one token a request.

    >>> seconds = [0.0]
    >>> buckets, limit = Buckets(lambda: seconds[0]), Limit("k", rate=1, burst=2)
    >>> [buckets.take([limit]) for _ in range(3)]
    [True, True, False]
    >>> seconds[0] = 1.0
    >>> buckets.take([limit])
    True
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[Hashable, tuple[float, float]] = {}

    def take(self, limits: Iterable[Limit]) -> bool:
        """Take a token from each bucket in turn; False at the first that is empty."""
        return all(self._take_one(limit) for limit in limits)

    def _take_one(self, limit: Limit) -> bool:
        now = self._clock()
        tokens, since = self._buckets.get(limit.key, (float(limit.burst), now))
        tokens = min(float(limit.burst), tokens + (now - since) * limit.rate)
        taken = tokens >= 1
        self._buckets[limit.key] = (tokens - taken, now)
        return taken


class Quotas:
    """How many requests each key made in the current day, week or month (UTC)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[Hashable, tuple[str, int]] = {}
        self._first: dict[Hashable, str] = {}

    def take(self, key: Hashable, quota: Json) -> bool:
        """Count one request; False when the quota is used up."""
        if not quota or not quota.get("limit"):
            return True
        period = period_of(str(quota.get("period") or "DAY"), self._clock())
        first = self._first.setdefault(key, period)
        # The offset is taken from the first period only.
        most = int(quota["limit"]) - (int(quota.get("offset") or 0) if first == period else 0)
        of_period, count = self._counts.get(key, (period, 0))
        count = count if of_period == period else 0
        if count >= most:
            return False
        self._counts[key] = (period, count + 1)
        return True


def period_of(period: str, at: float) -> str:
    """Name the day, week or month that a moment lies in.

    >>> period_of("DAY", 0), period_of("WEEK", 0), period_of("MONTH", 0)
    ('1970-01-01', '1970-W01', '1970-01')
    """
    moment = datetime.fromtimestamp(at, UTC)
    return moment.strftime({"WEEK": "%G-W%V", "MONTH": "%Y-%m"}.get(period, "%Y-%m-%d"))


@dataclass(frozen=True)
class Target:
    """The method of a stage that a request is for."""

    api_id: str
    stage_name: str
    resource_path: str
    verb: str


def stage_limits(target: Target, settings: Json) -> list[Limit]:
    """The limits of the stage for one method, then of the account.

    A method's own limit bounds it besides the account's; the stage's default is a limit of *each*
    method, not of all together.
    """
    key = ("method", target)
    method = _limit(key, settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit"))
    return [*method, Limit("account", ACCOUNT_RATE, ACCOUNT_BURST)]


def plan_limits(plan: Json, key_id: str, target: Target) -> list[Limit]:
    """The limits of a usage plan for one key: of the method first, then of the plan."""
    limits: list[Limit] = []
    for stage in plan.get("apiStages") or []:
        if (stage.get("apiId"), stage.get("stage")) == (target.api_id, target.stage_name):
            own: Mapping[str, Json] = stage.get("throttle") or {}
            throttle = own.get(f"{target.resource_path}/{target.verb}") or {}
            limits += _plan_limit((plan["id"], key_id, target), throttle)
    return limits + _plan_limit((plan["id"], key_id), plan.get("throttle") or {})


def _plan_limit(key: Hashable, throttle: Json) -> list[Limit]:
    # The API writes rateLimit, a template RateLimit.
    rate = throttle.get("rateLimit", throttle.get("RateLimit"))
    return _limit(("plan", key), rate, throttle.get("burstLimit", throttle.get("BurstLimit")))


def _limit(key: Hashable, rate: object, burst: object) -> list[Limit]:
    """No limit when neither is given, or -1, AWS's word for unlimited."""
    per_second = ACCOUNT_RATE if rate is None else float(str(rate))
    at_once = ACCOUNT_BURST if burst is None else int(float(str(burst)))
    if (rate is None and burst is None) or per_second < 0:
        return []
    return [Limit(key, per_second, at_once)]
