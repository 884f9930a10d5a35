import asyncio
import threading
from collections.abc import Callable

import pytest

from app.messages import Delivery, Message
from app.worker import PAUSE_S, VISIBILITY_S, Worker
from tests.unit.app.memory_queue import MemoryQueue

pytestmark = pytest.mark.anyio


class Sleeps:
    """Sleep for no time, and remember for how long it would have been."""

    def __init__(self) -> None:
        self.lengths_s: list[float] = []

    async def __call__(self, length_s: float) -> None:
        self.lengths_s.append(length_s)
        await asyncio.sleep(0)


async def turns_until(happened: Callable[[], bool]) -> None:
    while not happened():  # noqa: ASYNC110 - what happens, happens in threads too
        await asyncio.sleep(0)


async def work_until(
    happened: Callable[[], bool],
    queue: MemoryQueue,
    handle: Callable[[Delivery], None],
    sleep: Sleeps | None = None,
) -> None:
    stop = asyncio.Event()
    worker = Worker(queue, handle, sleep=sleep or Sleeps())
    working = asyncio.create_task(worker.run(stop))
    await turns_until(lambda: happened() or working.done())
    stop.set()
    await working


async def test_what_is_handled_is_deleted(queue: MemoryQueue) -> None:
    for i in range(25):
        await queue.send(Message(str(i)))
    handled: list[str] = []

    await work_until(
        lambda: len(handled) == 25, queue, lambda delivery: handled.append(delivery.message.body)
    )

    assert sorted(handled, key=int) == [str(i) for i in range(25)]
    assert queue.visible == queue.in_flight == []


async def test_a_message_that_fails_stays_for_redelivery(queue: MemoryQueue) -> None:
    await queue.send(Message("bad"))
    await queue.send(Message("good"))
    handled = threading.Event()

    def refuse_bad(delivery: Delivery) -> None:
        if delivery.message.body == "bad":
            raise ValueError(delivery.message.body)
        handled.set()

    await work_until(handled.is_set, queue, refuse_bad)

    assert [delivery.message.body for delivery in queue.in_flight] == ["bad"]


async def test_a_message_that_always_fails_becomes_a_dead_letter(queue: MemoryQueue) -> None:
    await queue.send(Message("bad"))
    attempts: list[int] = []

    def refuse(delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        raise ValueError

    for tried in (1, 2, 3):
        await work_until(lambda tried=tried: len(attempts) == tried, queue, refuse)  # type: ignore[misc]
        queue.end_visibility_timeout()

    assert attempts == [1, 2, 3]
    assert [message.body for message in queue.dead_letters] == ["bad"]
    assert queue.visible == []


async def test_a_message_is_kept_hidden_for_as_long_as_its_handler_runs(queue: MemoryQueue) -> None:
    await queue.send(Message("slow"))
    sleeps = Sleeps()
    may_end = threading.Event()

    def until_extended_twice() -> bool:
        if len(queue.extended) >= 2:
            may_end.set()
        return may_end.is_set()

    await work_until(until_extended_twice, queue, lambda _: _must(may_end.wait(10)), sleeps)

    assert {delivery.message.body for delivery in queue.extended} == {"slow"}
    assert set(sleeps.lengths_s) == {VISIBILITY_S / 2}
    assert queue.in_flight == []


async def test_a_failed_message_is_not_kept_hidden_by_its_slow_neighbour(
    queue: MemoryQueue,
) -> None:
    await queue.send(Message("bad"))
    await queue.send(Message("slow"))
    bad_failed, may_end = threading.Event(), threading.Event()
    extended_before = 0

    def handle(delivery: Delivery) -> None:
        if delivery.message.body == "bad":
            bad_failed.set()
            raise ValueError
        _must(may_end.wait(10))

    def extended_again_after_the_failure() -> bool:
        nonlocal extended_before
        if not bad_failed.is_set():
            return False
        last = [each.message.body for each in queue.extended[-3:]]
        if last == ["slow"] * 3:
            may_end.set()
        return may_end.is_set()

    await work_until(extended_again_after_the_failure, queue, handle)

    assert [delivery.message.body for delivery in queue.in_flight] == ["bad"]


async def test_a_stop_lets_the_work_end_and_deletes_it(queue: MemoryQueue) -> None:
    await queue.send(Message("slow"))
    started, may_end = threading.Event(), threading.Event()
    stop = asyncio.Event()

    def handle(_: Delivery) -> None:
        started.set()
        _must(may_end.wait(10))

    working = asyncio.create_task(Worker(queue, handle).run(stop))
    await turns_until(started.is_set)
    stop.set()
    await asyncio.sleep(0)
    assert not working.done()
    may_end.set()
    await working

    assert queue.visible == queue.in_flight == []


async def test_nothing_is_received_after_a_stop(queue: MemoryQueue) -> None:
    stop = asyncio.Event()
    stop.set()
    await queue.send(Message("a"))

    await Worker(queue, lambda _: None).run(stop)

    assert len(queue.visible) == 1


async def test_an_unreachable_queue_is_asked_again_after_a_pause(queue: MemoryQueue) -> None:
    await queue.send(Message("a"))
    queue.reachable = False
    sleeps = Sleeps()
    handled = threading.Event()

    def plug_in_after_three_pauses() -> bool:
        queue.reachable = len(sleeps.lengths_s) >= 3
        return handled.is_set()

    await work_until(plug_in_after_three_pauses, queue, lambda _: handled.set(), sleeps)

    assert sleeps.lengths_s[:3] == [PAUSE_S] * 3


def _must(happened: bool) -> None:  # noqa: FBT001 - reads as a sentence where it is used
    assert happened
