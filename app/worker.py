"""Receive, handle, delete what succeeded.

A message whose handler raises is left alone: the queue delivers it again when its visibility
timeout ends, and after `maxReceiveCount` attempts moves it to the dead-letter queue.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from app.handler import Handle, succeeded
from app.messages import Delivery
from app.queue import MessageQueue, QueueUnavailableError

# A stop waits for the long polls that are under way. They and the work that they bring must fit
# into the 30 s that ECS leaves between SIGTERM and SIGKILL.
WAIT_S = 10

# Work that takes longer is kept hidden for longer; see `_keep_hidden`.
VISIBILITY_S = 30

# Two are enough: what limits the worker is what the handler does.
POLLERS = 2

# The pause after a failed receive, so that a queue in trouble is not asked all the time.
PAUSE_S = 2

MESSAGES_A_POLL = 10

log = logging.getLogger(__name__)


class Worker:
    """Keep `pollers` batches in work, each handled in threads, until told to stop."""

    def __init__(
        self,
        queue: MessageQueue,
        handle: Handle,
        *,
        pollers: int = POLLERS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._queue = queue
        self._handle = handle
        self._pollers = pollers
        self._sleep = sleep
        self._threads = ThreadPoolExecutor(pollers * MESSAGES_A_POLL, thread_name_prefix="handler")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what was received and return."""
        with self._threads:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._pollers):
                    group.create_task(self._poll(stop))

    async def _poll(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                deliveries = await self._queue.receive(wait_s=WAIT_S, visibility_s=VISIBILITY_S)
                if deliveries:
                    await self._work_off(deliveries)
            except QueueUnavailableError as error:
                log.warning("the queue is unavailable: %s", error)
                await self._sleep(PAUSE_S)

    async def _work_off(self, deliveries: Sequence[Delivery]) -> None:
        held = list(deliveries)
        hiding = asyncio.create_task(self._keep_hidden(held))
        try:
            await asyncio.gather(*(self._work_on(delivery, held) for delivery in deliveries))
        finally:
            hiding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await hiding
        if held:
            for delivery in await self._queue.delete(held):
                log.warning("done but not deleted; it comes again: %s", delivery.id)

    async def _work_on(self, delivery: Delivery, held: list[Delivery]) -> None:
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(self._threads, succeeded, self._handle, delivery):
            held.remove(delivery)  # no longer hidden by us, so that it comes again in time

    async def _keep_hidden(self, held: Sequence[Delivery]) -> None:
        while True:
            await self._sleep(VISIBILITY_S / 2)
            try:
                await self._queue.extend(held, visibility_s=VISIBILITY_S)
            except QueueUnavailableError as error:
                log.warning("messages in work may come again: %s", error)
