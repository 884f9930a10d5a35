"""What happened, written down: <state>/scaling.jsonl, and how it is now: <state>/scaling.json.

A line has `at` (seconds since 1970), `aws_s` (AWS's seconds, of which the lab has `speed` in
one), `scaled` (group/… or service/…) and `event`. The steps of a scale-out, in their order:
  breach         the first data point over the target has arrived
  detect         the high alarm is on (`relax`: it is off again)
  decide         the desired capacity is changed: `before`, `desired`, `because`
  launch         a new machine is wanted: `machine`
  provision      it runs
  healthy        a new target passed its health checks: `target`
  first-request  it was sent its first request
and `gone` for a machine or a target that left, `sample` once a second, `metric` for each data
point.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# About a day of samples of five variants; after that only the steps are written.
MOST_BYTES = 50_000_000


class Timeline:
    """The two files of one lab."""

    def __init__(
        self, state: Path, *, aws_s: Callable[[], float], wall: Callable[[], float] = time.time
    ) -> None:
        self._lines = state / "scaling.jsonl"
        self._view = state / "scaling.json"
        self._aws_s = aws_s
        self._wall = wall

    def event(self, scaled: str, event: str, **facts: Any) -> None:  # noqa: ANN401  any JSON
        """Write a line."""
        if event in {"sample", "metric"} and self._is_full():
            return
        line = {**self._moment(), "scaled": scaled, "event": event, **facts}
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def view(self, scaled: Mapping[str, Any], **facts: Any) -> None:  # noqa: ANN401  any JSON
        """Replace the view of how things are."""
        draft = self._view.with_suffix(".draft")
        draft.write_text(json.dumps({**self._moment(), **facts, "scaled": scaled}), "utf-8")
        draft.replace(self._view)

    def _moment(self) -> dict[str, float]:
        return {"at": round(self._wall(), 3), "aws_s": round(self._aws_s(), 1)}

    def _is_full(self) -> bool:
        return self._lines.exists() and self._lines.stat().st_size > MOST_BYTES


@dataclass
class Arrivals:
    """Which machines and targets have come so far; each is told of once."""

    told: dict[str, set[str]] = field(default_factory=dict)

    def new(self, step: str, now: Iterable[str]) -> list[str]:
        """Those that have taken this step since the last look; none at the first look."""
        now = set(now)
        before = self.told.get(step)
        self.told[step] = now | (before or set())
        return sorted(now - before) if before is not None else []

    def gone(self, step: str, still: Iterable[str]) -> list[str]:
        """Those that took this step and are no more; they may come again."""
        left = self.told.get(step, set()) - set(still)
        for told in self.told.values():
            told.difference_update(left)
        return sorted(left)
