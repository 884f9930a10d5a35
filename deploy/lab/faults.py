"""What can be wrong with a machine, as a value and as it is written between the lab's parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The faults that last. Killing is over as soon as it is done."""

    FREEZE = "freeze"
    SLOW = "slow"
    DISCONNECT = "disconnect"


@dataclass(frozen=True)
class Fault:
    """What is wrong with one machine.

    >>> str(Fault(Kind.SLOW, share=0.05))
    'slow, runs 5 % of the time'
    """

    kind: Kind
    # Of the time, that a slow machine runs.
    share: float = 1.0

    @property
    def runs(self) -> float:
        """Which share of the time the machine runs."""
        return 0.0 if self.kind is Kind.FREEZE else self.share

    @property
    def document(self) -> dict[str, Any]:
        """Write it."""
        return {"kind": self.kind.value, "share": self.share}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Fault":
        """Read it.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        share = float(document["share"])
        if not 0 < share <= 1:
            raise ValueError(f"a share of {share:g}: it is more than 0 and at most 1")
        return cls(Kind(document["kind"]), share)

    def __str__(self) -> str:
        match self.kind:
            case Kind.FREEZE:
                return "frozen"
            case Kind.SLOW:
                return f"slow, runs {100 * self.share:g} % of the time"
            case Kind.DISCONNECT:
                return "disconnected"
