"""Reading the lock files: one requirement with its hashes is one block."""

import re
from collections.abc import Collection

_START = re.compile(r"^(?=[A-Za-z0-9])", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def requirements(lock: str) -> dict[str, str]:
    r"""Split a lock into its blocks, by distribution name.

    >>> requirements("six==1.17.0 \\\n    --hash=sha256:ab\n")
    {'six': 'six==1.17.0 \\\n    --hash=sha256:ab\n'}
    """
    blocks = {}
    for block in _START.split(lock):
        name = _NAME.match(block)
        if name:
            blocks[name[0].lower()] = block
    return blocks


def without(lock: str, left_out: Collection[str]) -> str:
    """Give the lock without some distributions."""
    return "".join(block for name, block in requirements(lock).items() if name not in left_out)
