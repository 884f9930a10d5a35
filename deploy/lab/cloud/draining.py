"""Targets that were deregistered and still finish what they have begun."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deploy.lab.cloud.observed import now


@dataclass(frozen=True)
class Target:
    """One registration in a target group: an instance id or an address, and a port."""

    id: str
    port: int


class Draining:
    """Deregistered targets until their deregistration delay is over. Safe between threads.

    >>> clock = iter([0.0, 29.0, 31.0]).__next__
    >>> draining = Draining(clock)
    >>> draining.begin("tg", [Target("127.9.30.1", 8000)], delay_s=30)
    >>> draining.of("tg"), draining.of("tg")
    ([Target(id='127.9.30.1', port=8000)], [])
    """

    def __init__(self, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, dict[Target, float]] = {}

    def begin(self, group_arn: str, targets: Iterable[Target], *, delay_s: float) -> None:
        """Keep the targets in the group, draining, for so long."""
        until = self._clock() + delay_s
        with self._lock:
            self._until.setdefault(group_arn, {}).update(dict.fromkeys(targets, until))

    def cancel(self, group_arn: str, targets: Iterable[Target]) -> None:
        """Stop draining targets that were registered again."""
        with self._lock:
            for target in targets:
                self._until.get(group_arn, {}).pop(target, None)

    def of(self, group_arn: str) -> list[Target]:
        """What drains in this group now."""
        moment = self._clock()
        with self._lock:
            left = {t: u for t, u in self._until.get(group_arn, {}).items() if u > moment}
            if group_arn in self._until:
                self._until[group_arn] = left
            return list(left)

    def holds(self, target_id: str, group_arns: Iterable[str]) -> bool:
        """Whether the target still drains in one of these groups."""
        return any(target.id == target_id for arn in group_arns for target in self.of(arn))
