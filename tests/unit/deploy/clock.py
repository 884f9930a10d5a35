"""A clock on which sleeping takes no time."""

from dataclasses import dataclass


@dataclass
class Clock:
    now_s: float = 0

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
