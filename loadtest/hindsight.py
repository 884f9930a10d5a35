"""The checks of the contract that look back at what all the others did."""

from collections.abc import Sequence

import anyio.to_thread
import httpx2

from loadtest.examination import (
    JSON,
    CheckFailedError,
    CheckSkippedError,
    Examine,
    Exchange,
    Service,
    acknowledged_in,
    claim,
    claim_refusal,
    media_type,
    read,
)
from loadtest.openapi import Answer, Document
from loadtest.queue_probe import QueueProbe, Received
from loadtest.scenarios import IDEMPOTENCY_KEY, REQUEST_ID

# How long an acknowledged message may take to be received.
QUEUE_TIMEOUT_S = 20.0
# What travels badly when somebody encodes it wrongly on the way.
AWKWARD = 'tea & cups=2; 100 % "quoted" <b>\\ new\nline\ttab ä 茶 🫖 ${x} $input.body'
# What a balancer says in its own name: it knows no shape of ours, and no X-Request-Id.
PAGE = "text/html"


async def queued(service: Service) -> None:
    """What was acknowledged is in the queue, body and attributes unharmed."""
    queue = known_queue(service)
    attributes = {"colour": "blue", "note": "ä & =", IDEMPOTENCY_KEY: "nineways-verify"}
    answer = await service.post(
        {"body": AWKWARD, "attributes": {n: attributes[n] for n in ("colour", "note")}},
        headers={IDEMPOTENCY_KEY: attributes[IDEMPOTENCY_KEY]},
    )
    sent = read(answer)["id"]
    # What a failed check sent need not be there, but shall not stay either.
    await fetch(service, {sent, *acknowledged_in(service.said)})
    ids = {sent, *service.acknowledged()}
    if missing := ids - service.taken.keys():
        raise CheckFailedError(await where_are(queue, len(missing), len(ids)))
    claim_arrived(service.taken[sent], AWKWARD, attributes)


async def traced(service: Service) -> None:
    """A message in the queue carries the X-Request-Id of the answer that acknowledged it."""
    known_queue(service)
    for exchange in acknowledging(service):
        (id_,) = acknowledged_in([exchange])
        if id_ not in service.taken:
            continue
        told = exchange.response.headers.get("x-request-id")
        there = service.taken[id_].attributes.get(REQUEST_ID)
        claim(
            there == told and bool(told),
            f"it carries {there!r}, and the answer said {told!r}",
        )


def acknowledging(service: Service) -> list[Exchange]:
    """The exchanges in which a message was taken."""
    return [exchange for exchange in believed(service) if acknowledged_in([exchange])]


async def named(service: Service) -> None:
    """Every answer carries X-Request-Id, refusals too, unless it is a balancer's own page."""
    for exchange in ours(service):
        claim(
            bool(exchange.response.headers.get("x-request-id")),
            f"{said(exchange)} without X-Request-Id",
        )


async def refused_alike(service: Service) -> None:
    """Every refusal has the one shape, unless it is a balancer's own page."""
    for exchange in ours(service):
        if exchange.response.status_code >= httpx2.codes.BAD_REQUEST:
            try:
                claim_refusal(exchange.response)
            except CheckFailedError as failure:
                raise CheckFailedError(f"{said(exchange)}: {failure}") from None


async def kept_document(service: Service) -> None:
    """Every answer is as the one OpenAPI document says."""
    document = Document.ours()
    for exchange in believed(service):
        response = exchange.response
        kind = media_type(response)
        answer = Answer(
            method=exchange.method,
            path=exchange.path,
            status=response.status_code,
            media_type=kind,
            value=response.json() if kind == JSON else response.text,
        )
        found = document.answer_problems(answer)
        claim(not found, f"{exchange.method} {exchange.path}: {'; '.join(found)}")


LOOKING_BACK: tuple[Examine, ...] = (queued, traced, named, refused_alike, kept_document)


def known_queue(service: Service) -> QueueProbe:
    """The queue; without one the check cannot be made."""
    if service.queue is None:
        raise CheckSkippedError("the queue behind the service is not known")
    return service.queue


async def fetch(service: Service, ids: set[str], *, mark: str | None = None) -> None:
    """Take the messages with these ids out of the queue, as far as they turn up.

    With a `mark` also one that has it in its body. What was acknowledged before is taken too: given
    back again and again it would soon be looked at too often, and be a dead letter.
    """
    queue = known_queue(service)
    wanted = {*ids, *acknowledged_in(service.said)} - service.taken.keys()
    found = await anyio.to_thread.run_sync(
        lambda: queue.take(
            lambda message: message.id in wanted or (mark is not None and mark in message.body),
            enough=len(wanted) + (mark is not None),
            timeout_s=QUEUE_TIMEOUT_S,
        )
    )
    service.taken |= {message.id: message for message in found}


def claim_arrived(message: Received, body: str, attributes: dict[str, str]) -> None:
    """Fail unless a message arrived as it was sent."""
    claim(message.body == body, f"the body arrived as {message.body!r}")
    for name, value in attributes.items():
        there = message.attributes.get(name)
        claim(there == value, f"the attribute {name} arrived as {there!r} instead of {value!r}")


async def where_are(queue: QueueProbe, missing: int, sent: int) -> str:
    """Say what is known about messages that did not turn up."""
    told = await anyio.to_thread.run_sync(queue.describe)
    return (
        f"{missing} of {sent} messages did not turn up within {QUEUE_TIMEOUT_S:.0f} s; the queue "
        f"has {told}. A worker that consumes the queue takes them first: deploy without one"
    )


def believed(service: Service) -> Sequence[Exchange]:
    """What was said in checks that did not fail; without any the check cannot be made."""
    if not service.believed:
        raise CheckSkippedError("there is no answer to look back at")
    return service.believed


def ours(service: Service) -> Sequence[Exchange]:
    """The exchanges that were not answered by a balancer itself."""
    return [
        exchange
        for exchange in believed(service)
        if exchange.response.is_success or media_type(exchange.response) != PAGE
    ]


def said(exchange: Exchange) -> str:
    """An exchange in few words."""
    return f"{exchange.method} {exchange.path} answered {exchange.response.status_code}"
