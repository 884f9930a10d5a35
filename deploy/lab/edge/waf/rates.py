"""Rate-based statements: who asked too often within a window, known with a delay. Pure.

AWS WAF looks about every ten seconds at the window that ends then, so that a burst gets
through before it is noticed, and who stopped is let in again a little late. AWS: "Rate-based
rule caveats" and RateBasedStatement in the API reference (November 2026). The estimate here
weighs all requests of the window alike; AWS gives recent ones more weight and does not say how.
"""

from collections import Counter, defaultdict
from collections.abc import Callable

WINDOWS_S = (60, 120, 300, 600)
LOWEST_LIMIT = 10


class Rate:
    """Requests of one rule, counted by who sent them."""

    def __init__(
        self, *, limit: int, window_s: float, check_every_s: float, clock: Callable[[], float]
    ) -> None:
        self._limit = limit
        self._every_s = check_every_s
        self._checks = max(1, round(window_s / check_every_s))
        self._clock = clock
        # How many requests in each interval between two checks.
        self._asked: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._limited: frozenset[str] = frozenset()
        self._now = self._interval()

    def count(self, who: str) -> bool:
        """Count a request, limited or not; whether `who` was over the limit at the last check."""
        now = self._interval()
        if now != self._now:
            self._check(now)
        self._asked[who][now] += 1
        return who in self._limited

    def _interval(self) -> int:
        return int(self._clock() / self._every_s)

    def _check(self, now: int) -> None:
        first = now - self._checks
        for who in list(self._asked):
            asked = self._asked[who]
            for old in [interval for interval in asked if interval < first]:
                del asked[old]
            if not asked:
                del self._asked[who]
        self._limited = frozenset(
            who for who, asked in self._asked.items() if asked.total() > self._limit
        )
        self._now = now
