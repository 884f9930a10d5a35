"""A hybrid listener: one path leads to a function, another to a container, from the same code."""

from loadtest.examination import Examine, Service, claim, read

PREFIX = "/containers"


async def function_first(service: Service) -> None:
    """/whoami is answered by a function."""
    await claim_compute(service, "/whoami", "lambda")


async def containers_beside(service: Service) -> None:
    """/containers/whoami is answered by a container."""
    await claim_compute(service, f"{PREFIX}/whoami", "container")


async def containers_serve(service: Service) -> None:
    """POST /containers/messages puts a message into the same queue."""
    # It is looked for there with all the others.
    answer = read(await service.ask("POST", f"{PREFIX}/messages", expect=202, json={"body": "c"}))
    claim(bool(answer.get("id")), "there is no id")


PROBES: tuple[Examine, ...] = (function_first, containers_beside, containers_serve)


async def claim_compute(service: Service, path: str, wanted: str) -> None:
    """Fail unless that kind of copy answers."""
    compute = read(await service.get(path)).get("compute")
    claim(compute == wanted, f"it is answered by {compute!r}, not {wanted!r}")
