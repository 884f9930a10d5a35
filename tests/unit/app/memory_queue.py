"""A queue that behaves like one and lives in memory."""

import asyncio
from collections.abc import Sequence
from itertools import count

from app.messages import Delivery, Message
from app.queue import Depth, MessageRefusedError, QueueUnavailableError


class MemoryQueue:
    """`MessageQueue` with a visibility timeout that ends when the test says so."""

    def __init__(self, *, max_receive_count: int = 3) -> None:
        self.visible: list[Delivery] = []
        self.in_flight: list[Delivery] = []
        self.dead_letters: list[Message] = []
        self.extended: list[Delivery] = []
        self.reachable = True
        self.refuses: set[str] = set()
        self.asked_for_depth = 0
        self.closed = False
        self._max_receive_count = max_receive_count
        self._numbers = count(1)

    async def send(self, message: Message) -> str:
        self._must_be_reachable()
        if message.body in self.refuses:
            raise MessageRefusedError(f"InvalidMessageContents: {message.body}")
        id_ = f"m-{next(self._numbers)}"
        self.visible.append(Delivery(id_, receipt="", message=message, attempt=0))
        return id_

    async def receive(self, *, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        await asyncio.sleep(0)  # a long poll lets others run
        self._must_be_reachable()
        assert 0 <= wait_s <= 20
        assert 0 < visibility_s <= 43_200
        handed_over = [
            Delivery(each.id, f"r-{next(self._numbers)}", each.message, each.attempt + 1)
            for each in self.visible[:10]
        ]
        del self.visible[:10]
        self.in_flight += handed_over
        return handed_over

    async def delete(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        self._must_be_reachable()
        undeleted = [each for each in deliveries if each not in self.in_flight]
        self.in_flight = [each for each in self.in_flight if each not in deliveries]
        return undeleted

    async def extend(self, deliveries: Sequence[Delivery], *, visibility_s: int) -> None:
        self._must_be_reachable()
        assert 0 < visibility_s <= 43_200
        self.extended += deliveries

    async def depth(self) -> Depth:
        self.asked_for_depth += 1
        self._must_be_reachable()
        return Depth(visible=len(self.visible), in_flight=len(self.in_flight), delayed=0)

    async def close(self) -> None:
        self.closed = True

    def end_visibility_timeout(self) -> None:
        """Make what is in flight visible again, or a dead letter when it was tried enough."""
        for each in self.in_flight:
            if each.attempt >= self._max_receive_count:
                self.dead_letters.append(each.message)
            else:
                self.visible.append(each)
        self.in_flight = []

    def _must_be_reachable(self) -> None:
        if not self.reachable:
            raise QueueUnavailableError("somebody pulled the plug")
