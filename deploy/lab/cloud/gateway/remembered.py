"""What the gateway remembers for a while: values by key, each until its time."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from deploy.lab.cloud.gateway.throttling import Clock

V = TypeVar("V")

# So many are kept before it is looked for some whose time is up.
FEW = 100


class Remembered(Generic[V]):
    """Values by key; of those that are too much together, the least used go first.

    What nobody asks for again is forgotten too: whenever there are twice as many as were left the
    last time, so that remembering one costs the same however many there are.

    >>> seconds = [0.0]
    >>> remembered = Remembered[str](lambda: seconds[0])
    >>> remembered.put("k", "v", ttl_s=5)
    >>> remembered.get("k")
    'v'
    >>> seconds[0] = 5.0
    >>> remembered.get("k") is None
    True
    """

    def __init__(self, clock: Clock, *, size: Callable[[V], int] = lambda _: 0) -> None:
        self._clock = clock
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()
        self._total = 0
        self._look_at = FEW

    def __len__(self) -> int:
        """How many are kept, with some whose time is up."""
        return len(self._kept)

    def get(self, key: Hashable) -> V | None:
        """The value, if it is still good."""
        if (found := self._kept.get(key)) is None or found[0] <= self._clock():
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: Hashable, value: V, *, ttl_s: float, most: float = math.inf) -> None:
        """Keep a value so long, and all values together no larger than `most`."""
        self._drop(key)
        self._kept[key] = (self._clock() + ttl_s, value)
        self._total += self._size(value)
        if len(self._kept) >= self._look_at:
            now = self._clock()
            for old in [one for one, (until, _) in self._kept.items() if until <= now]:
                self._drop(old)
            self._look_at = max(FEW, 2 * len(self._kept))
        while self._total > most:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        if (found := self._kept.pop(key, None)) is not None:
            self._total -= self._size(found[1])
