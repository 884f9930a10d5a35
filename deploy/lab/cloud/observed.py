"""What the agents saw: machines that run or ended, targets and endpoints that answer or do not.

The fleet and the edge post it; the ECS scheduler and the Describe calls read it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from deploy.lab.cloud.border import Json


class Observed:
    """The latest report on each machine, target group and health check. Safe between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._machines: dict[str, Json] = {}
        self._targets: dict[str, Mapping[str, Json]] = {}
        self._health_checks: dict[str, Json] = {}

    def report(self, document: Mapping[str, Any]) -> None:
        """Take in a report; each id in it replaces what was known."""
        with self._changed:
            self._machines.update(document.get("machines") or {})
            self._targets.update(document.get("targets") or {})
            self._health_checks.update(document.get("health_checks") or {})
            self._changed.notify_all()

    def machine(self, machine_id: str) -> Json:
        """The last report on an instance or a task; empty when there was none."""
        with self._changed:
            return self._machines.get(machine_id, {})

    def forget_machine(self, machine_id: str) -> None:
        """Drop what was said about a machine that is gone."""
        with self._changed:
            self._machines.pop(machine_id, None)

    def target(self, group_arn: str, address: str, port: int) -> Json:
        """The last report on a target; empty when there was none."""
        with self._changed:
            return self._targets.get(group_arn, {}).get(f"{address}:{port}", {})

    def health_check(self, check_id: str) -> Json:
        """The last report on a health check; empty when there was none."""
        with self._changed:
            return self._health_checks.get(check_id, {})

    def wait_until(self, happened: Callable[[], bool], *, look_every_s: float = 0.2) -> None:
        """Wait until a report makes it true, or something outside the reports does."""
        while not happened():
            with self._changed:
                self._changed.wait(look_every_s)


def now() -> float:
    """Seconds on the clock that never goes back."""
    return time.monotonic()
