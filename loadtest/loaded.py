"""What a load on one variant leaves: timeline.json beside samples.parquet. Frozen values, pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from loadtest.figures import PERCENTILES
from loadtest.run import Accounting, Environment, Frozen
from loadtest.samples import Sample
from loadtest.shapes import Part
from loadtest.timeline import Timeline

FILE = "timeline.json"


class Stretch(Frozen):
    """What became of the requests that were due in a stretch of the load."""

    name: str
    from_s: float
    to_s: float
    asked: int
    sent: int
    # By what went wrong.
    errors: Mapping[str, int]
    # Of good answers, in milliseconds from when they were due.
    latency_ms: Mapping[float, float]
    max_ms: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.to_s - self.from_s

    @property
    def failed(self) -> int:
        """How many were not answered as they should."""
        return sum(self.errors.values())

    @property
    def good(self) -> int:
        """How many were."""
        return self.sent - self.failed


class Copies(Frozen):
    """How many copies there were at a moment; None is what nobody can say."""

    at_s: float
    name: str
    desired: int
    running: int
    healthy: int | None
    cpu_percent: float | None


class Loaded(Frozen):
    """A load on one variant, but for its samples."""

    id: str
    command: str
    started_at: datetime
    # When the first request was due, in seconds since 1970.
    began_s: float
    target: str
    title: str
    url: str
    version: str
    scenario: str
    shape: str
    seconds: float
    # Shorter than `seconds` when somebody interrupted it.
    lasted_s: float
    environment: Environment
    # Groups and services that scale behind it, as far as that can be seen.
    scaled: tuple[str, ...]
    stretches: tuple[Stretch, ...]
    # One for each second, from the first.
    each_second: tuple[Stretch, ...]
    copies: tuple[Copies, ...]
    timeline: Timeline
    lateness_p99_ms: float
    machine_busy: float
    generator_cores: float
    # Why the figures are the generator's own; empty when they are not.
    fell_behind: str = ""
    accounting: Accounting | None = None

    @property
    def was_interrupted(self) -> bool:
        """Whether it ended before its time."""
        return self.lasted_s < self.seconds

    def write(self, folder: Path) -> Path:
        """Put timeline.json into the folder."""
        path = folder / FILE
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return path


def stretches(
    parts: Sequence[Part], due: Sequence[float], samples: Sequence[Sample], *, lasted_s: float
) -> list[Stretch]:
    """Sum up each part of the load, as far as it came."""
    begun = [(name, from_s, min(to_s, lasted_s)) for name, from_s, to_s in parts]
    return [
        _stretch(
            (name, from_s, to_s),
            [n for n, at_s in enumerate(due) if from_s <= at_s < to_s],
            {sample.n: sample for sample in samples},
        )
        for name, from_s, to_s in begun
        if to_s > from_s
    ]


def each_second(
    due: Sequence[float], samples: Sequence[Sample], *, lasted_s: float
) -> list[Stretch]:
    """Sum up each second in which something was due."""
    by_second: dict[int, list[int]] = {}
    for n, at_s in enumerate(due):
        if at_s < lasted_s:
            by_second.setdefault(int(at_s), []).append(n)
    known = {sample.n: sample for sample in samples}
    return [
        _stretch((f"second {second}", second, min(second + 1, lasted_s)), numbers, known)
        for second, numbers in by_second.items()
    ]


def _stretch(part: Part, numbers: Sequence[int], known: Mapping[int, Sample]) -> Stretch:
    name, from_s, to_s = part
    sent = [known[n] for n in numbers if n in known]
    good = [sample.latency_ms for sample in sent if sample.ok]
    values = np.percentile(good, PERCENTILES) if good else ()
    return Stretch(
        name=name,
        from_s=from_s,
        to_s=to_s,
        asked=len(numbers),
        sent=len(sent),
        errors=Counter(sample.error for sample in sent if not sample.ok),
        latency_ms=dict(zip(PERCENTILES, map(float, values), strict=False)),
        max_ms=max(good, default=0.0),
    )
