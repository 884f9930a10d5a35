"""What a comparison found, one row a subject: the figures of the table, the page and the JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from loadtest.archive import Samples
from loadtest.figures import Estimate, percentiles
from loadtest.run import Load, Round, Run, Subject
from loadtest.samples import Sample


@dataclass(frozen=True)
class Summary:
    """One subject. The figures are those of the rounds that count; empty without any."""

    subject: Subject
    rounds: int
    void_rounds: int
    sent: int
    offered_per_s: float
    achieved_per_s: float
    errors: Mapping[str, int]
    # Of the requests that were answered well. A refusal is quick, and would flatter.
    latency_ms: Mapping[float, Estimate]
    max_ms: float
    machine_busy: float
    # How many requests met a new environment under the steady load.
    cold_under_load: int

    @property
    def failed(self) -> int:
        """How many requests were not answered as they should."""
        return sum(self.errors.values())

    @property
    def measured(self) -> bool:
        """Whether there is any latency to speak of."""
        return bool(self.latency_ms)

    @property
    def cold_ms(self) -> float | None:
        """Median of the cold starts that were made on purpose."""
        starts = self.subject.cold_starts
        return median(start.cold_ms for start in starts) if starts else None

    @property
    def warm_ms(self) -> float | None:
        """Median of the same request when warm."""
        starts = self.subject.cold_starts
        return median(start.warm_ms for start in starts) if starts else None


def summarise(run: Run, samples: Samples) -> list[Summary]:
    """Sum up each subject, in the order of the run."""
    return [summary(subject, run, samples) for subject in run.subjects]


def summary(subject: Subject, run: Run, samples: Samples) -> Summary:
    """Sum up one subject."""
    of_it = [round_ for round_ in run.rounds if round_.subject == subject.name]
    counted = [round_ for round_ in of_it if not round_.void]
    legs = [samples[subject.name, round_.number] for round_ in counted]
    everything = [sample for leg in legs for sample in leg]
    good = [np.array([sample.latency_ms for sample in leg if sample.ok]) for leg in legs]
    return Summary(
        subject=subject,
        rounds=len(counted),
        void_rounds=len(of_it) - len(counted),
        sent=len(everything),
        offered_per_s=mean_rate([round_.offered / run.load.seconds for round_ in counted]),
        achieved_per_s=mean_rate([achieved(leg, run.load) for leg in legs]),
        errors=Counter(sample.error for sample in everything if not sample.ok),
        latency_ms=percentiles(good, seed=run.load.seed),
        max_ms=max((sample.latency_ms for sample in everything if sample.ok), default=0.0),
        machine_busy=mean_rate([round_.machine_busy for round_ in counted]),
        cold_under_load=sum(sample.cold for sample in everything),
    )


def mean_rate(values: Sequence[float]) -> float:
    """Their mean; 0 of none."""
    return fmean(values) if values else 0.0


def achieved(leg: Sequence[Sample], load: Load) -> float:
    """Good answers a second, until the last of them: an overloaded service needs longer."""
    good = [sample for sample in leg if sample.ok]
    if not good:
        return 0.0
    start_s = min(sample.intended_s for sample in leg)
    end_s = max(sample.intended_s + sample.latency_ms / 1000 for sample in good)
    return len(good) / max(load.seconds, end_s - start_s)


def void_rounds(run: Run) -> list[Round]:
    """The rounds that do not count."""
    return [round_ for round_ in run.rounds if round_.void]
