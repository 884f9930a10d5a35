"""The one place that sleeps. The clock is an argument, so that tests wait for nobody."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.errors import TookTooLongError


@dataclass(frozen=True)
class Patience:
    """How often to look, and the clock to look by."""

    every_s: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def until(
        self, happened: Callable[[], bool], *, what: str, timeout_s: float, remedy: str = ""
    ) -> None:
        """Look until it happened; raises `TookTooLongError` after `timeout_s`."""
        deadline = self.clock() + timeout_s
        while not happened():
            if self.clock() >= deadline:
                raise TookTooLongError(what, timeout_s, remedy=remedy)
            self.sleep(self.every_s)
