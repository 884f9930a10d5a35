"""Which address is given out next."""

from collections.abc import Callable, Iterable

# Ten blocks of 256 lie between the first addresses of two kinds (deploy/lab/addresses.py).
LAST = 2500


class Numbering:
    """Gives out addresses in order, and goes round before it gives one out twice.

    >>> numbering = Numbering(lambda number: f"127.9.20.{number}")
    >>> numbering.next(taken=[]), numbering.next(taken=["127.9.20.3"])
    ('127.9.20.1', '127.9.20.2')
    >>> numbering.next(taken=["127.9.20.3"])
    '127.9.20.4'
    """

    def __init__(self, address: Callable[[int], str]) -> None:
        self._address = address
        self._number = 0

    def next(self, *, taken: Iterable[str]) -> str:
        """The next address that nobody has."""
        avoid = frozenset(taken)
        for _ in range(LAST):
            self._number = self._number % LAST + 1
            if (address := self._address(self._number)) not in avoid:
                return address
        raise RuntimeError(f"all {LAST} addresses of this kind are in use; release some")
