"""Lists of words, written as text."""


def words(text: str) -> frozenset[str]:
    """The words of a text.

    >>> sorted(words("and or xor"))
    ['and', 'or', 'xor']
    """
    return frozenset(text.split())
