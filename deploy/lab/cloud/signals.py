"""CreationPolicy: a stack goes on when its instances say that they serve.

Instances of one stack boot side by side: whatever comes after them in the stack waits for the
signals of all of them.
"""

import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from deploy.lab.cloud.observed import now

_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
DEFAULT_TIMEOUT = "PT5M"  # CloudFormation's, from its CreationPolicy reference (2026-11)

# Timeouts and cancelled stacks are noticed this late; signals at once.
LOOK_EVERY_S = 0.2


class SignalError(Exception):
    """An instance said that its first boot failed, or said nothing in time."""

    def __init__(self, logical_id: str, reason: str) -> None:
        super().__init__(f"{logical_id}: {reason}")
        self.logical_id = logical_id
        self.reason = reason


@dataclass
class Expected:
    """Signals that one resource has to send."""

    logical_id: str
    count: int
    timeout_s: float
    since: float
    # How many may fail or stay silent (MinSuccessfulInstancesPercent).
    tolerated: int = 0
    received: dict[str, str] = field(default_factory=dict)

    def failure(self, moment: float) -> str:
        """Why it failed, or nothing."""
        failures = [key for key, status in self.received.items() if status == "FAILURE"]
        if len(failures) > self.tolerated:
            return f"Received FAILURE signal with UniqueId {failures[-1]}"
        if not self.is_over(moment) and moment >= self.since + self.timeout_s:
            return (
                f"Failed to receive {self.count - len(self.received)} resource signal(s) "
                "within the specified duration"
            )
        return ""

    @property
    def arrived(self) -> bool:
        """Whether every signal came."""
        return self._successes + self.tolerated >= self.count <= len(self.received)

    def is_over(self, moment: float) -> bool:
        """Whether there is nothing more to wait for, and enough came."""
        late = moment >= self.since + self.timeout_s
        return self.arrived or (late and self._successes + self.tolerated >= self.count)

    @property
    def _successes(self) -> int:
        return list(self.received.values()).count("SUCCESS")


class Signals:
    """What each stack still waits for. Safe between threads."""

    def __init__(
        self,
        clock: Callable[[], float] = now,
        cancelled: Collection[str] = frozenset(),
    ) -> None:
        self._clock = clock
        self._cancelled = cancelled
        self._changed = threading.Condition()
        self._expected: dict[str, dict[str, Expected]] = {}

    def expect(
        self, stack: str, logical_id: str, policy: Mapping[str, object], *, tolerated: int = 0
    ) -> None:
        """Begin to wait for the signals of a resource."""
        count = int(str(policy.get("Count", 1)))
        timeout_s = duration_s(str(policy.get("Timeout", DEFAULT_TIMEOUT)))
        expected = Expected(logical_id, count, timeout_s, self._clock(), tolerated)
        with self._changed:
            self._expected.setdefault(stack, {})[logical_id] = expected

    def pending(self) -> bool:
        """Whether any stack waits for any signal."""
        with self._changed:
            return any(self._expected.values())

    def expects(self, stack: str, logical_id: str) -> bool:
        """Whether this resource still has to signal."""
        with self._changed:
            expected = self._expected.get(stack, {}).get(logical_id)
            return expected is not None and not expected.arrived

    def receive(self, stack: str, logical_id: str, unique_id: str, status: str) -> bool:
        """Take a signal in; false when nobody waits for it."""
        with self._changed:
            if (expected := self._expected.get(stack, {}).get(logical_id)) is None:
                return False
            expected.received.setdefault(unique_id, status)
            self._changed.notify_all()
            return True

    def forget(self, stack: str) -> None:
        """Wait for nothing any more: the stack failed elsewhere."""
        with self._changed:
            self._expected.pop(stack, None)

    def wait_for_all(self, stack: str) -> None:
        """Wait until every resource of the stack has signalled.

        Raises:
            SignalError: as soon as one of them failed or is late.
        """
        with self._changed:
            try:
                while waiting := list(self._expected.get(stack, {}).values()):
                    if stack in self._cancelled:
                        raise SignalError(waiting[0].logical_id, "Resource creation cancelled")
                    for expected in waiting:
                        if reason := expected.failure(self._clock()):
                            raise SignalError(expected.logical_id, reason)
                        if expected.is_over(self._clock()):
                            del self._expected[stack][expected.logical_id]
                    if self._expected.get(stack):
                        self._changed.wait(LOOK_EVERY_S)
            finally:
                self._expected.pop(stack, None)


def duration_s(text: str) -> float:
    """Seconds of an ISO 8601 duration.

    >>> duration_s("PT1H2M3S")
    3723.0
    """
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(f"a CreationPolicy's Timeout must look like PT10M, not {text!r}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def signallers_first(
    order: Iterable[str],
    needs: Mapping[str, Iterable[str]],
    signallers: Iterable[str],
) -> list[str]:
    """The same resources, those that signal (and what they need) before all others.

    >>> signallers_first("abcd", {"d": ["b"]}, ["d"])
    ['b', 'd', 'a', 'c']
    """
    early: set[str] = set()
    waiting = list(signallers)
    while waiting:
        if (name := waiting.pop()) not in early:
            early.add(name)
            waiting.extend(needs.get(name, ()))
    order = list(order)
    return [n for n in order if n in early] + [n for n in order if n not in early]


def last_of_all(
    order: Iterable[str],
    needs: Mapping[str, Iterable[str]],
    late: Iterable[str],
) -> list[str]:
    """The same resources, the late ones (and what needs them) after all others.

    >>> last_of_all("abcd", {"c": ["a"]}, ["a"])
    ['b', 'd', 'a', 'c']
    """
    order, behind = list(order), set(late)
    for name in order:
        if behind & set(needs.get(name, ())):
            behind.add(name)
    return [n for n in order if n not in behind] + [n for n in order if n in behind]
