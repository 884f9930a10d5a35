"""How a place says what it does: one callable, given sentences and stack events as they come.

`str()` of either is a line to show. Who shows it may tell them apart, as the command does.
"""

from collections.abc import Callable
from typing import TypeAlias

Tell: TypeAlias = Callable[[object], None]
