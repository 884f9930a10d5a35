"""A look into the queue behind a service, to see whether what was acknowledged is there."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

# SQS hands over, and takes back, at most ten messages in one call.
BATCH = 10
# A long poll asks every server of SQS; a short one may miss what is there.
POLL_S = 1
# So many empty polls in a row mean that nothing more comes.
EMPTY_POLLS = 2


@dataclass(frozen=True)
class Received:
    """A message as it lay in the queue."""

    id: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)


class QueueProbe(Protocol):
    """Takes our own messages out of a queue that others use too.

    What is not ours goes back at once. Being looked at counts as a delivery, so a probe is for
    queues in which nothing precious waits: a message looked at as often as the queue's
    `maxReceiveCount` moves to the dead-letter queue.
    """

    def take(
        self, is_ours: Callable[[Received], bool], *, enough: int | None, timeout_s: float
    ) -> Sequence[Received]:
        """Receive and delete ours, until there are `enough`, or no more come, or time is up.

        With `enough` it waits the whole time for them; without, until the queue is silent.
        """
        ...

    def describe(self) -> str:
        """How many messages wait and are in flight, in words."""
        ...


class SqsProbe:
    """A `QueueProbe` on SQS."""

    def __init__(
        self, client: "SQSClient", queue_url: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.client = client
        self.queue_url = queue_url
        self.clock = clock

    def take(
        self, is_ours: Callable[[Received], bool], *, enough: int | None, timeout_s: float
    ) -> list[Received]:
        """See `QueueProbe`."""
        deadline = self.clock() + timeout_s
        ours: list[Received] = []
        others: list[str] = []
        empty = 0
        try:
            while self.clock() < deadline and empty < EMPTY_POLLS:
                if enough is not None and len(ours) >= enough:
                    break
                batch = self._receive()
                empty = 0 if batch or enough is not None else empty + 1
                done = []
                for message in batch:
                    received = as_received(message)
                    if is_ours(received):
                        ours.append(received)
                        done.append(message["ReceiptHandle"])
                    else:
                        others.append(message["ReceiptHandle"])
                self._delete(done)
        finally:
            # Not before the end: a message given back at once would be received again at once.
            self._give_back(others)
        return ours

    def describe(self) -> str:
        """See `QueueProbe`."""
        told = self.client.get_queue_attributes(
            QueueUrl=self.queue_url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return (
            f"{told['ApproximateNumberOfMessages']} waiting, "
            f"{told['ApproximateNumberOfMessagesNotVisible']} in flight"
        )

    def _receive(self) -> "list[MessageTypeDef]":
        answer = self.client.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=POLL_S,
            MessageAttributeNames=["All"],
        )
        return answer.get("Messages", [])

    def _delete(self, handles: Sequence[str]) -> None:
        for entries in in_batches(handles):
            self.client.delete_message_batch(
                QueueUrl=self.queue_url,
                Entries=[{"Id": str(i), "ReceiptHandle": h} for i, h in enumerate(entries)],
            )

    def _give_back(self, handles: Sequence[str]) -> None:
        for entries in in_batches(handles):
            self.client.change_message_visibility_batch(
                QueueUrl=self.queue_url,
                Entries=[
                    {"Id": str(i), "ReceiptHandle": h, "VisibilityTimeout": 0}
                    for i, h in enumerate(entries)
                ],
            )


def as_received(message: "MessageTypeDef") -> Received:
    """What boto3 hands over, without what we do not look at."""
    return Received(
        id=message["MessageId"],
        body=message["Body"],
        attributes={
            name: value.get("StringValue", "")
            for name, value in message.get("MessageAttributes", {}).items()
        },
    )


def in_batches(handles: Sequence[str]) -> list[Sequence[str]]:
    """Cut into pieces that fit into one call."""
    return [handles[i : i + BATCH] for i in range(0, len(handles), BATCH)]
