"""API keys: who has none is refused, and the gateway counts what each key asks."""

import anyio.to_thread
import httpx2

from deploy.secrets import Secret
from loadtest.examination import (
    CheckFailedError,
    Examine,
    Service,
    claim,
    claim_refusal,
    read,
)

LEARNS_WITHIN_S, ASKED_EVERY_S = 30, 0.5
PATH = "/keyed/whoami"
HEADER = "x-api-key"


async def key_missing(service: Service) -> None:
    """/keyed/whoami without an API key is refused with 403."""
    claim_refusal(await service.get(PATH, expect=403))


async def key_wrong(service: Service) -> None:
    """/keyed/whoami with an unknown API key is refused with 403."""
    # As long as a real one, which is 20 characters at least.
    headers = {HEADER: "nineways-verify-knows-no-such-key"}
    claim_refusal(await service.get(PATH, headers=headers, expect=403))


async def key_right(service: Service) -> None:
    """/keyed/whoami with the API key is answered by the service."""
    key = await anyio.to_thread.run_sync(service.account().secret, Secret.API_KEY)
    answer = read(await service.get(PATH, headers={HEADER: key}))
    claim(bool(answer.get("compute_id")), f"the answer is {answer!r}, not /whoami's")


async def quota_used_up(service: Service) -> None:
    """/keyed/whoami refuses with 429 a key that has used its quota up."""
    inside = service.account()
    before = await anyio.to_thread.run_sync(inside.quota)
    if before is None:
        raise CheckFailedError("the plan of the key has no quota")
    key = await anyio.to_thread.run_sync(inside.secret, Secret.API_KEY)
    # Less than was counted already, so that nothing of the real quota need be used up.
    await anyio.to_thread.run_sync(inside.set_quota, 1)
    try:
        claim_refusal(await until_refused(service, key))
    finally:
        await anyio.to_thread.run_sync(inside.set_quota, before)


PROBES: tuple[Examine, ...] = (key_missing, key_wrong, key_right, quota_used_up)


async def until_refused(service: Service, key: str) -> httpx2.Response:
    """Ask until the key is refused: a gateway learns of a changed plan, and counts, in its time."""
    for _ in range(round(LEARNS_WITHIN_S / ASKED_EVERY_S)):
        answer = await service.get(PATH, headers={HEADER: key}, expect=(200, 429))
        if not answer.is_success:
            return answer
        await service.pause(ASKED_EVERY_S)
    raise CheckFailedError(f"with a quota of 1 the key was still good after {LEARNS_WITHIN_S} s")
