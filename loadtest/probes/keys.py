"""API keys: who has none is refused, and the gateway counts what each key asks."""

import anyio.to_thread

from deploy.secrets import Secret
from loadtest.examination import Examine, Service, claim, claim_refusal, read

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


PROBES: tuple[Examine, ...] = (key_missing, key_wrong, key_right)
