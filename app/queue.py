"""The port to the queue: what the service asks of it, and how it may fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.messages import Delivery, Message


class QueueError(Exception):
    """Something about the queue went wrong; the message was not taken as far as we know."""


class QueueUnavailableError(QueueError):
    """The queue cannot be reached, is overloaded or refuses us: worth another try later."""


class MessageRefusedError(QueueError):
    """The queue says that this very message is wrong: another try would end the same."""


@dataclass(frozen=True, slots=True)
class Depth:
    """About how many messages there are; SQS itself only promises approximations."""

    visible: int
    in_flight: int
    delayed: int


class MessageQueue(Protocol):
    """At-least-once delivery, in no particular order.

    A message whose `send` returned is in the queue, on several machines. One whose `send` raised
    may be in it all the same: an answer can get lost after the message arrived.
    A delivery that is not deleted comes back when its visibility timeout ends, and after
    the queue's `maxReceiveCount` it goes to the dead-letter queue.

    Every method raises `QueueUnavailableError` when the queue cannot be reached.
    """

    async def send(self, message: Message) -> str:
        """Put the message into the queue and return the id it got there.

        Raises:
            MessageRefusedError: the queue will not take this message.
        """

    async def receive(self, *, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        """Wait for messages; each is hidden from others for `visibility_s`."""

    async def delete(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Delete what was done, and return those that could not be deleted."""

    async def extend(self, deliveries: Sequence[Delivery], *, visibility_s: int) -> None:
        """Hide deliveries for another `visibility_s`, counted from now."""

    async def depth(self) -> Depth:
        """Count what is in the queue."""

    async def close(self) -> None:
        """Finish the sends that were accepted, then let go."""
