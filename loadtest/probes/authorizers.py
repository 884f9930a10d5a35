"""A Lambda authorizer: who brings no token is told to, who brings a wrong one is turned away."""

import anyio.to_thread

from deploy.secrets import Secret
from loadtest.examination import Examine, Service, claim, claim_refusal, read

PATH = "/authorized/whoami"


async def token_missing(service: Service) -> None:
    """/authorized/whoami without a token is refused with 401."""
    claim_refusal(await service.get(PATH, expect=401))


async def token_wrong(service: Service) -> None:
    """/authorized/whoami with a wrong token is refused with 403."""
    headers = bearing("nineways-verify-knows-no-such-token")
    claim_refusal(await service.get(PATH, headers=headers, expect=403))


async def token_right(service: Service) -> None:
    """/authorized/whoami with the token is answered by the service."""
    token = await anyio.to_thread.run_sync(service.account().secret, Secret.TOKEN)
    answer = read(await service.get(PATH, headers=bearing(token)))
    claim(bool(answer.get("compute_id")), f"the answer is {answer!r}, not /whoami's")


def bearing(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"authorization": f"Bearer {token}"}


PROBES: tuple[Examine, ...] = (token_missing, token_wrong, token_right)
