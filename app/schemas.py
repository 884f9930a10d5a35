"""The shapes on the wire: they check requests and they are the OpenAPI document."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.identity import Compute
from app.messages import (
    MAX_ATTRIBUTE_NAME_CHARS,
    MAX_ATTRIBUTE_VALUE_CHARS,
    MAX_ATTRIBUTES,
    MAX_BODY_BYTES,
    first_unsendable,
    is_reserved,
)

# Room for a body of MAX_BODY_BYTES with every character escaped once. Text that is not ASCII should
# come as UTF-8: written as \uXXXX it takes up to three times its size.
MAX_REQUEST_BYTES = 2 * MAX_BODY_BYTES


def _sendable(text: str) -> str:
    position = first_unsendable(text)
    if position is not None:
        raise ValueError(
            f"the character U+{ord(text[position]):04X} at position {position} cannot be sent"
        )
    return text


def _not_too_long(text: str) -> str:
    size_bytes = len(text.encode())
    if size_bytes > MAX_BODY_BYTES:
        raise ValueError(f"{size_bytes} bytes of UTF-8 are too many: at most {MAX_BODY_BYTES}")
    return text


def _not_reserved(name: str) -> str:
    if is_reserved(name):
        raise ValueError("this name is reserved for the service or for AWS")
    return name


Body: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_BODY_BYTES,
        description=f"Text of 1 to {MAX_BODY_BYTES} bytes in UTF-8, without control characters "
        "other than tab, line feed and carriage return.",
        examples=["hello"],
    ),
    AfterValidator(_sendable),
    AfterValidator(_not_too_long),
]
AttributeName: TypeAlias = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=MAX_ATTRIBUTE_NAME_CHARS,
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
    ),
    AfterValidator(_not_reserved),
]
AttributeValue: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_ATTRIBUTE_VALUE_CHARS),
    AfterValidator(_sendable),
]
IdempotencyKey: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[ -~]+$")
]


class NewMessage(BaseModel):
    """A message to be queued."""

    model_config = ConfigDict(extra="forbid")

    body: Body
    attributes: (
        Annotated[
            dict[AttributeName, AttributeValue],
            Field(
                max_length=MAX_ATTRIBUTES,
                description="Passed on as SQS message attributes of type String.",
                examples=[{"colour": "blue"}],
            ),
        ]
        | None
    ) = None


class Accepted(BaseModel):
    """The message is in the queue."""

    id: Annotated[str, Field(description="The MessageId that SQS gave it.")]


class Problem(BaseModel):
    """What went wrong, for programs (`code`) and for people (`message`)."""

    code: Annotated[str, Field(examples=["invalid_request"])]
    message: str
    field: Annotated[
        str | None, Field(description="The part of the request that is wrong, if it is one.")
    ] = None


class ErrorAnswer(BaseModel):
    """Every answer of 400 and above has this shape."""

    error: Problem
    request_id: Annotated[str, Field(description="The X-Request-Id of this request.")]


class Status(BaseModel):
    """A yes; a no is an error answer."""

    status: str


class WhoAmI(BaseModel):
    """The copy of the service that answered."""

    variant: str
    compute: Compute
    compute_id: Annotated[str, Field(description="Instance, task or log stream id.")]
    version: str
    cold_start: Annotated[bool, Field(description="This was the first request of this copy.")]
    up_s: Annotated[float, Field(description="Seconds since this copy started.")]
    python: str


class Stats(BaseModel):
    """Approximate numbers of messages in the queue."""

    visible: int
    in_flight: int
    delayed: int


class Spent(BaseModel):
    """How long it took."""

    ms: Annotated[float, Field(description="Milliseconds, measured.")]
