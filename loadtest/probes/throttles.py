"""A throttle of one method: what exceeds it is refused, and nobody else suffers."""

import asyncio

import httpx2

from loadtest.examination import Examine, Service, claim, claim_refusal

PATH = "/throttled/whoami"
# One a second, two at once are let pass: of so many at once most are not, also where the buckets
# of several servers of the gateway are counted separately.
AT_ONCE = 12
REFILLED_AFTER_S = 3


async def throttled(service: Service) -> None:
    """/throttled/whoami refuses with 429 what exceeds one request a second, two at once."""
    asked = [service.get(PATH, expect=(200, 429)) for _ in range(AT_ONCE)]
    answers = await asyncio.gather(*asked)
    refused = [answer for answer in answers if not answer.is_success]
    claim(bool(refused), f"all of {AT_ONCE} requests at once were let pass")
    for answer in refused:
        claim_refusal(answer)
    if len(refused) == AT_ONCE:
        # Somebody else may have used up what is let pass, a moment ago.
        await service.pause(REFILLED_AFTER_S)
        await service.get(PATH)


async def throttled_alone(service: Service) -> None:
    """While /throttled/whoami refuses, /whoami answers."""
    asked = [service.get(PATH, expect=(200, 429)) for _ in range(AT_ONCE)]
    *answers, other = await asyncio.gather(*asked, service.get("/whoami"))
    claim(
        any(answer.status_code == httpx2.codes.TOO_MANY_REQUESTS for answer in answers),
        "nothing was refused",
    )
    claim(other.is_success, f"/whoami answered {other.status_code}")


PROBES: tuple[Examine, ...] = (throttled, throttled_alone)
