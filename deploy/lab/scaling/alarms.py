"""CloudWatch alarms, as far as target tracking uses them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# An alarm retrieves more periods than it evaluates, so that one that is missing does not blind
# it (CloudWatch User Guide, "Configuring how alarms treat missing data", read 2026-11). How many
# more is not documented; two is our assumption.
SPARE_PERIODS = 2


class AlarmState(StrEnum):
    """In CloudWatch's words."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class Alarm:
    """Goes off when every one of the last `periods` data points breaches the threshold.

    >>> high = Alarm(periods=3, above=50)
    >>> high.evaluate([40, 60, 70, 80]).value, high.evaluate([60, 70, 50]).value
    ('ALARM', 'OK')
    >>> high.evaluate([None, 70]).value
    'INSUFFICIENT_DATA'
    """

    periods: int
    above: float | None = None
    below: float | None = None

    def evaluate(self, values: Sequence[float | None]) -> AlarmState:
        """Judge the data points, oldest first; None is a period without one."""
        known = [v for v in values[-self.periods - SPARE_PERIODS :] if v is not None]
        if len(known) < self.periods:
            return AlarmState.INSUFFICIENT_DATA
        breaches = all(self._breaches(value) for value in known[-self.periods :])
        return AlarmState.ALARM if breaches else AlarmState.OK

    def _breaches(self, value: float) -> bool:
        if self.above is not None and value <= self.above:
            return False
        return self.below is None or value < self.below
