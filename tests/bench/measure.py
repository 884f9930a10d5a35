"""What a measure is and how it reads; nothing here measures."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """A ratio from pairs that were measured next to each other, and what it should be."""

    name: str
    pairs: Sequence[tuple[float, float]]
    goal: float
    unit: str
    more_is_better: bool = True

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in self.pairs]

    @property
    def medians(self) -> tuple[float, float]:
        ours, theirs = zip(*self.pairs, strict=True)
        return statistics.median(ours), statistics.median(theirs)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def is_ok(self) -> bool:
        return self.ratio >= self.goal if self.more_is_better else self.ratio <= self.goal

    def line(self) -> str:
        spread = f"{min(self.ratios):.2f} to {max(self.ratios):.2f}"
        ours, theirs = self.medians
        return (
            f"{self.name:<44} {self.ratio:5.2f}  goal {'≥' if self.more_is_better else '≤'} "
            f"{self.goal:<4g} {'ok' if self.is_ok else 'short':<5}  "
            f"({spread} in {len(self.ratios)} pairs; {ours:,.0f} and {theirs:,.0f} {self.unit})"
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "ratio": round(self.ratio, 3),
            "goal": self.goal,
            "verdict": "ok" if self.is_ok else "short",
            "ratios": [round(ratio, 3) for ratio in self.ratios],
            "medians": [round(value, 1) for value in self.medians],
            "unit": self.unit,
        }
