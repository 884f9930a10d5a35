"""SQS as AWS counts: attributes are part of a message's size, and there are ten at most."""

from deploy.lab.cloud.border import Internals, Json

SQS = Internals(
    "services.sqs",
    "_Err",
    "_HANDLERS",
    "_act_send_message",
    "_act_send_message_batch",
    "_get_q",
)

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MOST_ATTRIBUTES = 10
LARGEST_BATCH = 1_048_576


def install() -> None:
    """Count before the stock actions do, which see bodies only."""
    stock_send, stock_batch = SQS.act_send_message, SQS.act_send_message_batch

    def send(data: Json, url: str) -> Json:
        _check(data, url)
        answer: Json = stock_send(data, url)
        return answer

    def send_batch(data: Json, url: str) -> Json:
        total = sum(size(entry) for entry in data.get("Entries", []))
        if total > LARGEST_BATCH:
            raise SQS.Err(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {LARGEST_BATCH} bytes. "
                f"You have sent {total} bytes.",
            )
        answer: Json = stock_batch(data, url)
        return answer

    SQS.replace("act_send_message", send)
    SQS.replace("act_send_message_batch", send_batch)
    SQS.HANDLERS.update(SendMessage=send, SendMessageBatch=send_batch)


def size(message: Json) -> int:
    """Bytes of a message: its body, and of each attribute name, type and value.

    >>> size({"MessageBody": "é", "MessageAttributes": {
    ...     "k": {"DataType": "String", "StringValue": "v"}}})
    10
    """
    attributes: dict[str, Json] = message.get("MessageAttributes") or {}
    return len(str(message.get("MessageBody") or "").encode(errors="replace")) + sum(
        len(name.encode()) + sum(len(_bytes(value.get(part))) for part in PARTS)
        for name, value in attributes.items()
    )


PARTS = ("DataType", "StringValue", "BinaryValue")


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value or "").encode(errors="replace")


def _check(data: Json, url: str) -> None:
    attributes = data.get("MessageAttributes") or {}
    if len(attributes) > MOST_ATTRIBUTES:
        raise SQS.Err(
            "InvalidParameterValue",
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
            f"[{MOST_ATTRIBUTES}].",
        )
    queue = SQS.get_q(data.get("QueueUrl", url), "sqs:SendMessage")
    largest = int(queue["attributes"].get("MaximumMessageSize", LARGEST_BATCH))
    if size(data) > largest:
        raise SQS.Err(
            "InvalidParameterValue",
            "One or more parameters are invalid. Reason: Message must be shorter than "
            f"{largest} bytes.",
        )
