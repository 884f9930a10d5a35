"""A response cache: an answer again for the same key, anew for another and after a time."""

import time

import anyio.to_thread

from loadtest.examination import CheckFailedError, CheckSkippedError, Examine, Service, claim, read
from loadtest.probes.marks import fresh

PATH = "/cached/whoami"
# A cache of several nodes forgets within a moment of its time.
FORGETS_WITHIN_S = 10


async def cached(service: Service) -> None:
    """/cached/whoami gives the same answer again for the same `copy`."""
    await require_cache(service)
    copy = fresh()
    first, again = await ask(service, copy), await ask(service, copy)
    claim(first == again, f"asked twice it answered {first!r}, then {again!r}")


async def cached_by_key(service: Service) -> None:
    """/cached/whoami asks the service anew for another `copy`."""
    await require_cache(service)
    one = await ask(service, fresh())
    # The answer says how long the service has been up, in milliseconds.
    await service.pause(0.05)
    other = await ask(service, fresh())
    claim(one != other, f"two values of `copy` were answered alike: {one!r}")


async def cache_expires(service: Service) -> None:
    """/cached/whoami asks the service anew when the answer's time is up."""
    ttl_s = await require_cache(service)
    service.take_time(ttl_s)
    copy = fresh()
    first, began = await ask(service, copy), time.monotonic()
    for waited_s in range(int(ttl_s) + FORGETS_WITHIN_S):
        await service.pause(1)
        if await ask(service, copy) != first:
            # On a busy machine asking takes its time too.
            took_s = max(waited_s + 1, time.monotonic() - began)
            claim(took_s + 1 >= ttl_s, f"it was forgotten after {took_s:.0f} s, not {ttl_s:g}")
            return
    raise CheckFailedError(f"after {ttl_s:g} s the same answer still came")


PROBES: tuple[Examine, ...] = (cached, cached_by_key, cache_expires)


async def require_cache(service: Service) -> float:
    """Seconds that the stage keeps an answer; without a cache the check cannot be made."""
    ttl_s = await anyio.to_thread.run_sync(service.account().cache_ttl_s)
    if ttl_s is None:
        raise CheckSkippedError("the stage's cache is switched off, or still being made")
    return ttl_s


async def ask(service: Service, copy: str) -> dict[str, object]:
    """The answer for one value of `copy`."""
    return read(await service.get(PATH, params={"copy": copy}))
