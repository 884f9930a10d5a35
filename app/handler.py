"""What is done with a message: the place for your own work."""

import logging
from collections.abc import Callable
from typing import TypeAlias

from app.logs import request_id
from app.messages import IDEMPOTENCY_KEY, REQUEST_ID, Delivery, size_bytes
from app.tracing import of_message, trace

# Returns when the message is done with; raises when it must come again.
Handle: TypeAlias = Callable[[Delivery], None]

log = logging.getLogger(__name__)


def handle(delivery: Delivery) -> None:
    """Write down that the message arrived. It may arrive more than once."""
    log.info(
        "message handled",
        extra={
            "message_id": delivery.id,
            "attempt": delivery.attempt,
            "bytes": size_bytes(delivery.message),
            "idempotency_key": delivery.message.attributes.get(IDEMPOTENCY_KEY),
        },
    )


def succeeded(do: Handle, delivery: Delivery) -> bool:
    """Handle one delivery; what is logged bears the id and trace of the request that sent it."""
    sent_by = delivery.message.attributes.get(REQUEST_ID, "")
    id_token = request_id.set(sent_by)
    trace_token = trace.set(of_message(delivery.message.trace, sent_by))
    try:
        do(delivery)
    except Exception:
        log.exception(
            "message failed; it comes again",
            extra={"message_id": delivery.id, "attempt": delivery.attempt},
        )
        return False
    finally:
        request_id.reset(id_token)
        trace.reset(trace_token)
    return True
