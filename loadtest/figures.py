"""From samples to figures, each with an interval that says how far to trust it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Latencies = npt.NDArray[np.float64]

PERCENTILES = (50.0, 90.0, 99.0)
REPLICATES = 1000
# Resampling more values than this in all takes longer than it teaches.
WORK = 20_000_000


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def overlaps(self, other: "Estimate") -> bool:
        """Whether the two intervals share a value."""
        return self.low <= other.high and other.low <= self.high


def percentiles(
    rounds: Sequence[Latencies], *, seed: int = 0, replicates: int = REPLICATES
) -> Mapping[float, Estimate]:
    """Percentiles of all latencies together, with bootstrap intervals.

    Requests of one round are alike, for they met the same machine in the same mood; taking them
    for independent would make the intervals far too narrow. So rounds are drawn first, and then
    requests within each drawn round.
    """
    rounds = [latencies for latencies in rounds if latencies.size]
    if not rounds:
        return {}
    pooled = np.concatenate(rounds)
    times = max(100, min(replicates, WORK // pooled.size))
    random = np.random.default_rng(seed)
    drawn = np.empty((times, len(PERCENTILES)))
    for replicate in drawn:
        chosen = random.integers(len(rounds), size=len(rounds))
        replicate[:] = np.percentile(
            np.concatenate([random.choice(rounds[i], rounds[i].size) for i in chosen]), PERCENTILES
        )
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    values = np.percentile(pooled, PERCENTILES)
    return {
        p: Estimate(float(values[i]), float(low[i]), float(high[i]))
        for i, p in enumerate(PERCENTILES)
    }
