"""What a message is, and what the queue can carry of it: frozen values and pure functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# The smallest limit along the nine ways: Step Functions takes 262,144 bytes of input and SNS
# 256 KiB, while SQS itself takes 1 MiB (AWS documentation, read in November 2026).
# One contract for all of them.
MAX_BODY_BYTES = 262_144

# SQS takes ten attributes a message; three are kept for the service itself.
MAX_ATTRIBUTES = 7
MAX_ATTRIBUTE_NAME_CHARS = 64
MAX_ATTRIBUTE_VALUE_CHARS = 1_024

# What the service adds to a message; a caller may not set these.
IDEMPOTENCY_KEY = "idempotency-key"
REQUEST_ID = "request-id"
RESERVED_ATTRIBUTES = frozenset({IDEMPOTENCY_KEY, REQUEST_ID})

# SQS keeps these beginnings to itself, in any mixture of cases.
RESERVED_PREFIXES = ("aws.", "amazon.")

# SQS refuses what XML 1.0 cannot carry: most control characters, lone surrogates, U+FFFE, U+FFFF.
_UNSENDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# The type of an attribute counts towards the size of a message as its name and value do.
_TYPE_BYTES = len("String")


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way to the queue; `trace` is the header of the trace it belongs to."""

    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message handed over by the queue, until it is deleted or its time is up.

    `receipt` names this delivery, not the message: a second delivery has another one.
    """

    id: str
    receipt: str
    message: Message
    attempt: int = 1


def size_bytes(message: Message) -> int:
    """Count a message as SQS does: body, and the name, type and value of every attribute.

    The trace travels as a system attribute, which SQS does not count.
    """
    return len(message.body.encode()) + sum(
        len(name.encode()) + _TYPE_BYTES + len(value.encode())
        for name, value in message.attributes.items()
    )


def first_unsendable(text: str) -> int | None:
    r"""Find the first character that the queue would refuse.

    >>> first_unsendable("ring\x07")
    4
    """
    found = _UNSENDABLE.search(text)
    return found.start() if found else None


def is_reserved(name: str) -> bool:
    """Say whether an attribute's name belongs to the service or to AWS."""
    lower = name.lower()
    return lower in RESERVED_ATTRIBUTES or lower.startswith(RESERVED_PREFIXES)
