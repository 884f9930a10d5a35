"""Events: what is published reaches who listens to the topic."""

import anyio.to_thread

from loadtest.examination import CheckFailedError, Examine, Service, claim, claim_refusal, read
from loadtest.hindsight import AWKWARD, QUEUE_TIMEOUT_S, claim_arrived
from loadtest.probes.marks import fresh

PATH = "/events"


async def event_published(service: Service) -> None:
    """POST /events answers 202 with an id, and the event reaches the topic's queue unharmed."""
    listening = service.account().events()
    body = f"{fresh()} {AWKWARD}"
    attributes = {"colour": "blue", "note": "ä & ="}
    event = {"body": body, "attributes": attributes}
    answer = read(await service.ask("POST", PATH, expect=202, json=event))
    claim(bool(answer.get("id")), "there is no id")
    mark = body.partition(" ")[0]
    # The queue gives it an id of its own, so it is known by what it says.
    found = await anyio.to_thread.run_sync(
        lambda: listening.take(lambda m: mark in m.body, enough=1, timeout_s=QUEUE_TIMEOUT_S)
    )
    if not found:
        raise CheckFailedError(f"the event did not arrive within {QUEUE_TIMEOUT_S:.0f} s")
    claim_arrived(found[0], body, attributes)


async def event_invalid(service: Service) -> None:
    """POST /events without body is refused with 422."""
    claim_refusal(await service.ask("POST", PATH, expect=422, json={}))


async def event_too_large(service: Service) -> None:
    """POST /events with more than SNS takes is refused with 413 or 422."""
    answer = await service.ask("POST", PATH, expect=(413, 422), json={"body": "x" * 300_000})
    claim_refusal(answer)


PROBES: tuple[Examine, ...] = (event_published, event_invalid, event_too_large)
