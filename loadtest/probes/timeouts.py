"""The longest that a gateway waits."""

from loadtest.examination import Examine, Service, claim_refusal

WAITS_S = 29
ASKED_MS = 32_000


async def too_late(service: Service) -> None:
    """A request of 32 s is given up: 504 after 29 s, or 502 when a function ends before that."""
    service.take_time(WAITS_S)
    claim_refusal(await service.get("/wait", params={"ms": ASKED_MS}, expect=(502, 504)))


PROBES: tuple[Examine, ...] = (too_late,)
