"""The state document: all that should exist, for the agents that make it so.

`version` goes up whenever anything in it differs from before, however that came about: a
request, a stack, the ECS scheduler, or a target that has drained long enough.
"""

import asyncio
from collections.abc import Callable

from deploy.lab.cloud.border import Json

# How often a waiting agent's document is computed anew when nothing woke it up.
LOOK_EVERY_S = 0.05


class State:
    """The document and its version, with a long poll."""

    def __init__(self, describe: Callable[[], Json]) -> None:
        self._describe = describe
        self._document: Json = {}
        self._version = 0
        self._touched = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def touch(self) -> None:
        """Say that something may have changed. Safe from any thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._wake)

    async def newer_than(self, version: int, *, wait_s: float) -> Json:
        """The document once its version is greater, or as it is after the wait."""
        self._loop = asyncio.get_running_loop()
        deadline = self._loop.time() + wait_s
        while self._refreshed() <= version and (left_s := deadline - self._loop.time()) > 0:
            touched = self._touched
            try:
                await asyncio.wait_for(touched.wait(), min(left_s, LOOK_EVERY_S))
            except TimeoutError:
                continue
        return {"version": self._version, **self._document}

    def _refreshed(self) -> int:
        document = self._describe()
        if document != self._document:
            self._document = document
            self._version += 1
        return self._version

    def _wake(self) -> None:
        self._touched.set()
        self._touched = asyncio.Event()
