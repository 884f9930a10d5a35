"""Whether the queue answers: asked at most once in a few seconds, however many ask us."""

import asyncio
import time
from collections.abc import Callable

from app.queue import MessageQueue, QueueError, QueueUnavailableError


class Readiness:
    """The queue's last answer, kept for `keep_s`."""

    def __init__(
        self, queue: MessageQueue, *, keep_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._keep_s = keep_s
        self._clock = clock
        self._asking = asyncio.Lock()
        self._asked_s: float | None = None
        self._failure: str | None = None

    async def check(self) -> None:
        """Return when the queue answered lately.

        Raises:
            QueueUnavailableError: it did not.
        """
        async with self._asking:
            if self._asked_s is None or self._clock() - self._asked_s >= self._keep_s:
                self._failure = await self._ask()
                self._asked_s = self._clock()
        if self._failure:
            raise QueueUnavailableError(self._failure)

    async def _ask(self) -> str | None:
        try:
            await self._queue.depth()
        except QueueError as error:
            return str(error)
        return None
