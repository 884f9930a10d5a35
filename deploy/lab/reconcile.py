"""What should run, compared with what runs. Pure."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True)
class Changes:
    """What to do so that exactly the wanted ones run."""

    start: frozenset[str]
    stop: frozenset[str]


def changes(*, wanted: AbstractSet[str], running: AbstractSet[str]) -> Changes:
    """Compare ids.

    >>> sorted(changes(wanted={"i-1", "i-2"}, running={"i-1"}).start)
    ['i-2']
    """
    return Changes(start=frozenset(wanted - running), stop=frozenset(running - wanted))
