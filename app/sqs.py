"""The queue that is Amazon SQS: the only module that says SQS.

botocore (what boto3 is made of) blocks, so its calls run in threads. Its clients are safe to share
between threads; making them is not, so there is one, made at the start.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from app.batcher import Batcher, Outcome
from app.messages import Delivery, Message
from app.queue import Depth, MessageRefusedError, QueueUnavailableError

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import (
        BatchResultErrorEntryTypeDef,
        MessageTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

# SQS hands over at most ten messages in one call.
MAX_RECEIVED = 10

# The system attribute in which SQS carries the trace, also to X-Ray and to a function.
TRACE: Final = "AWSTraceHeader"

# Enough to keep a core busy while SQS takes its milliseconds: a batch costs the interpreter, which
# runs one thread at a time, about 0.8 ms.
FLUSHERS = 6

T = TypeVar("T")


def sqs_client(*, region: str, connections: int, longest_wait_s: int = 0) -> "SQSClient":
    """Make the client: endpoint and credentials come from the environment, as boto3 would.

    An attempt that takes longer than a few seconds is given up and made again, three in all;
    `longest_wait_s` is how long a call may rightly take because it is a long poll.
    """
    # What boto3.client() makes, without importing boto3's part for S3: a twentieth of a
    # function's start.
    client = get_session().create_client(
        "sqs",
        region_name=region,
        config=Config(
            connect_timeout=1,
            read_timeout=longest_wait_s + 3,
            # The default mode is `legacy`, which retries neither throttling nor all 5xx.
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=connections,
            # What we pass is typed, and SQS checks it anyway: 0.13 ms for a batch of ten.
            parameter_validation=False,
            # Without it botocore builds the header anew for every call: 0.1 ms each.
            user_agent="nineways",
        ),
    )
    return cast("SQSClient", client)


class SqsQueue:
    """`MessageQueue` on one SQS queue. `calls_at_once` bounds its threads."""

    def __init__(
        self, client: "SQSClient", queue_url: str, *, calls_at_once: int = FLUSHERS + 2
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._threads = ThreadPoolExecutor(calls_at_once, thread_name_prefix="sqs")
        self._batcher = Batcher(self._send_batch, flushers=FLUSHERS)

    async def send(self, message: Message) -> str:
        """Send as part of a batch; see `MessageQueue.send`."""
        return await self._batcher.send(message)

    async def receive(self, *, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        """Long-poll for up to ten messages."""
        answer = await self._call(
            lambda: self._client.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=MAX_RECEIVED,
                WaitTimeSeconds=wait_s,
                VisibilityTimeout=visibility_s,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["ApproximateReceiveCount", TRACE],
            )
        )
        return [_delivery(received) for received in answer.get("Messages", [])]

    async def delete(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Delete up to ten in one call."""
        answer = await self._call(
            lambda: self._client.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(position), "ReceiptHandle": delivery.receipt}
                    for position, delivery in enumerate(deliveries)
                ],
            )
        )
        return [deliveries[int(failed["Id"])] for failed in answer.get("Failed", [])]

    async def extend(self, deliveries: Sequence[Delivery], *, visibility_s: int) -> None:
        """Change the visibility of up to ten in one call; one that is gone already is no error."""
        await self._call(
            lambda: self._client.change_message_visibility_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {
                        "Id": str(position),
                        "ReceiptHandle": delivery.receipt,
                        "VisibilityTimeout": visibility_s,
                    }
                    for position, delivery in enumerate(deliveries)
                ],
            )
        )

    async def depth(self) -> Depth:
        """Read the three approximate counters."""
        answer = await self._call(
            lambda: self._client.get_queue_attributes(
                QueueUrl=self._queue_url,
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "ApproximateNumberOfMessagesDelayed",
                ],
            )
        )
        counters = answer["Attributes"]
        return Depth(
            visible=int(counters["ApproximateNumberOfMessages"]),
            in_flight=int(counters["ApproximateNumberOfMessagesNotVisible"]),
            delayed=int(counters["ApproximateNumberOfMessagesDelayed"]),
        )

    async def close(self) -> None:
        """Drain the batcher, then let the threads and connections go."""
        await self._batcher.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _send_batch(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        entries = [_entry(position, message) for position, message in enumerate(messages)]
        answer = await self._call(
            lambda: self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        )
        # An entry that SQS says nothing about was not acknowledged.
        outcomes: list[Outcome] = [QueueUnavailableError("not acknowledged") for _ in messages]
        for sent in answer.get("Successful", []):
            outcomes[int(sent["Id"])] = sent["MessageId"]
        for failed in answer.get("Failed", []):
            outcomes[int(failed["Id"])] = _entry_error(failed)
        return outcomes

    async def _call(self, blocking: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, blocking)
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailableError(str(error)) from error


def _entry(position: int, message: Message) -> "SendMessageBatchRequestEntryTypeDef":
    entry: SendMessageBatchRequestEntryTypeDef = {"Id": str(position), "MessageBody": message.body}
    if message.attributes:
        entry["MessageAttributes"] = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in message.attributes.items()
        }
    if message.trace:
        entry["MessageSystemAttributes"] = {
            TRACE: {"DataType": "String", "StringValue": message.trace}
        }
    return entry


def _entry_error(failed: "BatchResultErrorEntryTypeDef") -> Outcome:
    said = f"{failed['Code']}: {failed.get('Message', '')}"
    return MessageRefusedError(said) if failed["SenderFault"] else QueueUnavailableError(said)


def _delivery(received: "MessageTypeDef") -> Delivery:
    attributes: Mapping[str, Any] = received.get("MessageAttributes", {})
    system: Mapping[Any, str] = received.get("Attributes", {})
    return Delivery(
        id=received["MessageId"],
        receipt=received["ReceiptHandle"],
        message=Message(
            body=received["Body"],
            attributes={name: value.get("StringValue", "") for name, value in attributes.items()},
            trace=system.get(TRACE, ""),
        ),
        attempt=int(system.get("ApproximateReceiveCount", 1)),
    )
