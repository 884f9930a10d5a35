"""Many callers, few calls: gather single sends into batches.

No lingering: a message leaves as soon as a flusher is free. When they are busy, messages gather
behind them, so batches grow by themselves exactly when there is load. Waiting a few milliseconds
for company was measured and gained nothing.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.messages import Message, size_bytes
from app.queue import QueueError, QueueUnavailableError

# SQS takes ten messages and 1 MiB in one call (1 MiB since August 2025).
MAX_ENTRIES = 10
MAX_BATCH_BYTES = 1_048_576

# So many batches leave whatever they carry. Beyond that only full ones do: a call costs about the
# same for one message as for ten, and under load the difference is what the core has left.
EAGER_FLUSHERS = 2

# A message that waited longer for a flusher is given back to its caller: the queue is in trouble,
# and the caller should hear of it while there still is somebody to listen.
PATIENCE_S = 5.0

Outcome: TypeAlias = str | QueueError
SendBatch: TypeAlias = Callable[[Sequence[Message]], Awaitable[Sequence[Outcome]]]


@dataclass(slots=True)
class _Waiting:
    message: Message
    size_bytes: int
    answer: asyncio.Future[str]
    until_s: float


class Batcher:
    """Send through `send_batch`, up to `flushers` batches at once.

    `send_batch` answers one outcome for each message, in order: the id, or what went wrong with
    that entry. When it raises, all messages of that batch fail, and no others.
    """

    def __init__(
        self,
        send_batch: SendBatch,
        *,
        flushers: int = 6,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send_batch = send_batch
        self._clock = clock
        self._flushers = flushers
        self._flying = 0
        self._waiting: deque[_Waiting] = deque()
        self._flights: set[asyncio.Task[None]] = set()
        self._flush_planned = False
        self._closed = False

    async def send(self, message: Message) -> str:
        """Return the id of the message once its own entry was acknowledged."""
        if self._closed:
            raise QueueUnavailableError("the service is stopping")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(
            message, size_bytes(message), loop.create_future(), self._clock() + PATIENCE_S
        )
        self._waiting.append(waiting)
        if not self._flush_planned and self._may_start():
            # Not at once: whoever else is ready in this turn of the loop comes along.
            self._flush_planned = True
            loop.call_soon(self._flush_planned_batches)
        return await waiting.answer

    async def close(self) -> None:
        """Refuse new messages, and return when every accepted one has its answer."""
        self._closed = True
        self._start_flights()
        while self._flights:
            await asyncio.wait(self._flights)

    def _flush_planned_batches(self) -> None:
        self._flush_planned = False
        self._start_flights()

    def _start_flights(self) -> None:
        while self._may_start() and (batch := self._next_batch()):
            self._flying += 1
            flight = asyncio.get_running_loop().create_task(self._fly(batch))
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)

    def _may_start(self) -> bool:
        if self._flying < min(EAGER_FLUSHERS, self._flushers):
            return bool(self._waiting)
        return self._flying < self._flushers and len(self._waiting) >= MAX_ENTRIES

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        room_bytes = MAX_BATCH_BYTES
        now_s = self._clock()
        while self._waiting and len(batch) < MAX_ENTRIES:
            first = self._waiting[0]
            if first.until_s < now_s:
                _settle(first.answer, QueueUnavailableError("waited too long for its turn"))
            if first.answer.done():  # or its caller was cancelled: nobody wants it sent
                self._waiting.popleft()
                continue
            if batch and first.size_bytes > room_bytes:
                break
            room_bytes -= first.size_bytes
            batch.append(self._waiting.popleft())
        return batch

    async def _fly(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._send_batch([waiting.message for waiting in batch])
            for waiting, outcome in zip(batch, outcomes, strict=True):
                _settle(waiting.answer, outcome)
        except asyncio.CancelledError:  # the hard end of a shutdown
            _fail(batch, QueueUnavailableError("the service is stopping"))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the callers must hear of it
            _fail(batch, error)
        finally:
            self._flying -= 1
            self._start_flights()


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in batch:
        _settle(waiting.answer, error)


def _settle(answer: asyncio.Future[str], outcome: str | Exception) -> None:
    if answer.done():
        return
    if isinstance(outcome, str):
        answer.set_result(outcome)
    else:
        answer.set_exception(outcome)
