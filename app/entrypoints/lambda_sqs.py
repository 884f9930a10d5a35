"""Work on messages in a Lambda function that SQS invokes.

Needs `FunctionResponseTypes: [ReportBatchItemFailures]` on the event source mapping: without it
SQS takes the answer for a success and deletes the failed messages too.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from app.handler import Handle, handle, succeeded
from app.logs import configure_logs
from app.messages import Delivery, Message

Event: TypeAlias = Mapping[str, Any]


def handler_for(do: Handle) -> Callable[[Event, object], dict[str, Any]]:
    """Make the function's handler: it reports the messages that must come again."""

    def handler(event: Event, _context: object) -> dict[str, Any]:
        failed = [
            record["messageId"]
            for record in event["Records"]
            if not succeeded(do, _delivery(record))
        ]
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}

    return handler


def _delivery(record: Mapping[str, Any]) -> Delivery:
    return Delivery(
        id=record["messageId"],
        receipt=record["receiptHandle"],
        message=Message(
            body=record["body"],
            attributes={
                name: value.get("stringValue", "")
                for name, value in record.get("messageAttributes", {}).items()
            },
            trace=record["attributes"].get("AWSTraceHeader", ""),
        ),
        attempt=int(record["attributes"]["ApproximateReceiveCount"]),
    )


configure_logs(
    level=os.environ.get("NINEWAYS_LOG_LEVEL", "INFO"),
    variant=os.environ.get("NINEWAYS_VARIANT", "local"),
)
handler = handler_for(handle)
