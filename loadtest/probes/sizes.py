"""Payload limits: of API Gateway, 10 MB; of a load balancer before a function, 1 MB.

A response of over 1 MB, which a balancer answers with 502, cannot be had from this service.
"""

import httpx2

from loadtest.examination import Examine, Service, claim, claim_refusal, media_type, read
from loadtest.hindsight import PAGE

# Beside the limits, not on them: how much of a request counts differs.
BELOW_1_MB, ABOVE_1_MB = 900_000, 1_100_000
BELOW_10_MB, ABOVE_10_MB = 4_000_000, 10_600_000
SERVICE_LIMIT = "524288"


async def below_1_mb(service: Service) -> None:
    """A request of 0.9 MB reaches the function, which refuses it with 413 itself."""
    claim_service(await send(service, BELOW_1_MB))


async def above_1_mb(service: Service) -> None:
    """A request of 1.1 MB is refused with 413 by the balancer, on its own page."""
    kind = media_type(await send(service, ABOVE_1_MB))
    claim(kind == PAGE, f"the answer is {kind or 'untyped'}, not the balancer's page")


async def above_10_mb(service: Service) -> None:
    """A request of 10.6 MB is refused with 413 by the gateway, one of 4 MB by what is behind it."""
    by_gateway = told(await send(service, ABOVE_10_MB))
    behind = told(await send(service, BELOW_10_MB))
    claim(by_gateway != behind, f"both were refused by the same, which says {behind!r}")


PAYLOAD_1_MB: tuple[Examine, ...] = (below_1_mb, above_1_mb)
PAYLOAD_10_MB: tuple[Examine, ...] = (above_10_mb,)


async def send(service: Service, size: int) -> httpx2.Response:
    """Send a message of so many bytes, which is refused with 413 wherever it gets to."""
    return await service.post({"body": "x" * size}, expect=413)


def claim_service(response: httpx2.Response) -> None:
    """Fail unless it is the service that refused: it names its own limit."""
    claim(SERVICE_LIMIT in told(response), f"it was not the service that said {told(response)!r}")


def told(response: httpx2.Response) -> str:
    """What a refusal says to people."""
    claim_refusal(response)
    return str(read(response)["error"]["message"])
