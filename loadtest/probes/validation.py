"""A model of the gateway: what does not fit it is refused before anything of ours runs."""

import httpx2

from loadtest.examination import JSON, Examine, Service, claim, claim_refusal, read

PATH = "/validated/messages"


async def valid_body(service: Service) -> None:
    """POST /validated/messages takes a good message as /messages does."""
    answer = await service.ask("POST", PATH, expect=202, json={"body": "validated"})
    claim(bool(read(answer).get("id")), "there is no id")


async def invalid_body(service: Service) -> None:
    """POST /validated/messages without body is refused with 422 by the gateway itself."""
    claim_gateway(await service.ask("POST", PATH, expect=422, json={}))


async def invalid_type(service: Service) -> None:
    """POST /validated/messages with a body that is no string is refused likewise."""
    claim_gateway(await service.ask("POST", PATH, expect=422, json={"body": 7}))


async def invalid_json(service: Service) -> None:
    """POST /validated/messages with text that is no JSON is refused likewise."""
    headers = {"content-type": JSON}
    answer = await service.ask("POST", PATH, expect=422, content='{"body": ', headers=headers)
    claim_gateway(answer)


PROBES: tuple[Examine, ...] = (valid_body, invalid_body, invalid_type, invalid_json)


def claim_gateway(response: httpx2.Response) -> None:
    """Fail unless the refusal is the gateway's: it knows the model, and no field's name.

    The service refuses the same requests, and what it says is more exact.
    """
    claim_refusal(response)
    error = read(response)["error"]
    by_service = "field" in error or "position" in str(error.get("message"))
    claim(not by_service, f"the service was asked, which says {error!r}")
