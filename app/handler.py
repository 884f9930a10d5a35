"""What is done with a message: the place for your own work."""

import logging
from collections.abc import Callable
from typing import TypeAlias

from app.logs import request_id
from app.messages import IDEMPOTENCY_KEY, REQUEST_ID, Delivery, size_bytes

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
    """Handle one delivery; a failure is logged under the id of the request that sent it."""
    token = request_id.set(delivery.message.attributes.get(REQUEST_ID, ""))
    try:
        do(delivery)
    except Exception:
        log.exception(
            "message failed; it comes again",
            extra={"message_id": delivery.id, "attempt": delivery.attempt},
        )
        return False
    finally:
        request_id.reset(token)
    return True
