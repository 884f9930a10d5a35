"""Reserved concurrency: a bound on how many requests a function serves at once."""

import asyncio

import anyio.to_thread

from loadtest.examination import Examine, Service, claim

AT_ONCE = 6
HELD_MS = 1_000
# A load balancer says 502, API Gateway 500: neither has a word of its own for "too many".
REFUSED = (500, 502)


async def bounded(service: Service) -> None:
    """With one request at once reserved, others at the same time are answered with 500 or 502."""
    inside = service.account()
    before = await anyio.to_thread.run_sync(inside.reserved)
    await anyio.to_thread.run_sync(inside.reserve, 1)
    try:
        asked = [
            service.get("/wait", params={"ms": HELD_MS}, expect=(200, *REFUSED))
            for _ in range(AT_ONCE)
        ]
        answers = await asyncio.gather(*asked)
    finally:
        await anyio.to_thread.run_sync(inside.reserve, before)
    passed = sum(answer.is_success for answer in answers)
    claim(passed > 0, f"none of {AT_ONCE} requests at once was served")
    claim(passed < AT_ONCE, f"all of {AT_ONCE} requests at once were served")


async def unbounded_again(service: Service) -> None:
    """Without that bound as many at once are served."""
    asked = [service.get("/wait", params={"ms": 10}) for _ in range(AT_ONCE)]
    await asyncio.gather(*asked)


PROBES: tuple[Examine, ...] = (bounded, unbounded_again)
