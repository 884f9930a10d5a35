import asyncio
from collections.abc import Sequence

import pytest

from app.batcher import MAX_BATCH_BYTES, MAX_ENTRIES, PATIENCE_S, Batcher, Outcome
from app.messages import Message, size_bytes
from app.queue import MessageRefusedError, QueueUnavailableError

pytestmark = pytest.mark.anyio


class Wire:
    """What is behind the batcher: each call waits until the test lets it through."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.batches: list[Sequence[Message]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        if is_open:
            self.gate.set()

    async def __call__(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.batches.append(messages)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        return [_outcome(message) for message in messages]


def _outcome(message: Message) -> Outcome:
    if message.body.startswith("refused"):
        return MessageRefusedError(message.body)
    return f"id of {message.body}"


async def send_all(batcher: Batcher, bodies: Sequence[str]) -> list[str | BaseException]:
    return await asyncio.gather(
        *(batcher.send(Message(body)) for body in bodies), return_exceptions=True
    )


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_single_message_leaves_at_once() -> None:
    wire = Wire()

    assert await Batcher(wire).send(Message("a")) == "id of a"
    assert [len(batch) for batch in wire.batches] == [1]


@pytest.mark.parametrize("number", [1, 9, 10, 11, 137])
async def test_each_caller_gets_the_result_of_its_own_entry(number: int) -> None:
    bodies = [str(i) for i in range(number)]

    results = await send_all(Batcher(Wire()), bodies)

    assert results == [f"id of {body}" for body in bodies]


async def test_a_batch_has_ten_entries_at_most_and_each_message_travels_once() -> None:
    wire = Wire()
    bodies = [str(i) for i in range(137)]

    await send_all(Batcher(wire), bodies)

    assert max(len(batch) for batch in wire.batches) == MAX_ENTRIES
    assert sorted(message.body for batch in wire.batches for message in batch) == sorted(bodies)


async def test_a_batch_has_a_mebibyte_at_most() -> None:
    wire = Wire()

    await send_all(Batcher(wire), [letter * 200_000 for letter in "abcdefghijk"])

    assert [len(batch) for batch in wire.batches] == [5, 5, 1]
    for batch in wire.batches:
        assert sum(size_bytes(message) for message in batch) <= MAX_BATCH_BYTES


async def test_a_failed_entry_fails_only_its_caller() -> None:
    good, refused, other = await send_all(Batcher(Wire()), ["good", "refused", "other"])

    assert good == "id of good"
    assert other == "id of other"
    assert isinstance(refused, MessageRefusedError)


async def test_a_failed_call_fails_its_batch_and_no_other() -> None:
    async def first_call_fails(messages: Sequence[Message]) -> Sequence[Outcome]:
        if messages[0].body == "0":
            raise QueueUnavailableError("down")
        return [_outcome(message) for message in messages]

    results = await send_all(Batcher(first_call_fails), [str(i) for i in range(15)])

    assert all(isinstance(result, QueueUnavailableError) for result in results[:10])
    assert results[10:] == [f"id of {i}" for i in range(10, 15)]


async def test_a_wrong_number_of_outcomes_leaves_nobody_waiting() -> None:
    async def one_too_few(messages: Sequence[Message]) -> Sequence[Outcome]:
        return [_outcome(message) for message in messages[1:]]

    results = await send_all(Batcher(one_too_few), ["a", "b"])

    assert any(isinstance(result, ValueError) for result in results)


async def test_messages_gather_only_while_every_flusher_is_busy() -> None:
    wire = Wire(is_open=False)
    batcher = Batcher(wire, flushers=2)
    sends = []
    for i in range(8):  # one after another, each in its own turn of the loop
        sends.append(asyncio.create_task(batcher.send(Message(str(i)))))
        await turns()

    assert [len(batch) for batch in wire.batches] == [1, 1]
    wire.gate.set()
    await asyncio.gather(*sends)

    assert [len(batch) for batch in wire.batches] == [1, 1, 6]
    assert wire.most_at_once == 2


async def test_beyond_the_eager_flushers_only_full_batches_leave() -> None:
    wire = Wire(is_open=False)
    batcher = Batcher(wire, flushers=4)
    sends = []
    for i in range(25):
        sends.append(asyncio.create_task(batcher.send(Message(str(i)))))
        await turns()

    assert [len(batch) for batch in wire.batches] == [1, 1, 10, 10]
    wire.gate.set()
    await asyncio.gather(*sends)

    assert [len(batch) for batch in wire.batches] == [1, 1, 10, 10, 3]


async def test_a_caller_cancelled_before_its_turn_is_not_sent() -> None:
    wire = Wire(is_open=False)
    batcher = Batcher(wire, flushers=1)
    first, gone, stays = (
        asyncio.create_task(batcher.send(Message(body))) for body in ("first", "gone", "stays")
    )
    await turns(1)
    gone.cancel()
    await turns()
    wire.gate.set()

    assert await first == "id of first"
    assert await stays == "id of stays"
    assert "gone" not in [message.body for batch in wire.batches for message in batch]


async def test_a_caller_cancelled_in_flight_disturbs_nobody() -> None:
    wire = Wire(is_open=False)
    batcher = Batcher(wire)
    gone, stays = (asyncio.create_task(batcher.send(Message(body))) for body in ("gone", "stays"))
    await turns()
    gone.cancel()
    await turns()
    wire.gate.set()

    assert await stays == "id of stays"
    assert gone.cancelled()
    assert await batcher.send(Message("next")) == "id of next"


async def test_closing_waits_until_every_accepted_message_has_its_answer() -> None:
    wire = Wire(is_open=False)
    batcher = Batcher(wire, flushers=1)
    sends = [asyncio.create_task(batcher.send(Message(str(i)))) for i in range(25)]
    await turns()
    closing = asyncio.create_task(batcher.close())
    await turns()
    assert not closing.done()

    wire.gate.set()
    await closing

    assert [send.result() for send in sends] == [f"id of {i}" for i in range(25)]
    with pytest.raises(QueueUnavailableError, match="stopping"):
        await batcher.send(Message("late"))


async def test_closing_an_idle_batcher_returns() -> None:
    await Batcher(Wire()).close()


async def test_a_message_that_waited_too_long_is_given_back_unsent() -> None:
    wire = Wire(is_open=False)
    clock_s = 0.0
    batcher = Batcher(wire, flushers=1, clock=lambda: clock_s)
    first = asyncio.create_task(batcher.send(Message("first")))
    await turns()
    second = asyncio.create_task(batcher.send(Message("second")))
    await turns()

    clock_s = PATIENCE_S + 1
    wire.gate.set()

    assert await first == "id of first"
    with pytest.raises(QueueUnavailableError, match="waited too long"):
        await second
    assert len(wire.batches) == 1


async def test_at_the_hard_end_of_a_shutdown_nobody_is_left_waiting() -> None:
    not_ours = asyncio.all_tasks()
    batcher = Batcher(Wire(is_open=False))
    send = asyncio.create_task(batcher.send(Message("a")))
    await turns()

    for flight in asyncio.all_tasks() - not_ours - {send}:
        flight.cancel()

    with pytest.raises(QueueUnavailableError, match="stopping"):
        await send
