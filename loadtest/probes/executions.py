"""Executions: a state machine is started with just the input that was sent."""

import json

import anyio.to_thread

from loadtest.examination import CheckFailedError, Examine, Service, claim, claim_refusal, read
from loadtest.hindsight import AWKWARD, fetch
from loadtest.probes.marks import fresh

PATH = "/executions"


async def execution_started(service: Service) -> None:
    """POST /executions answers 202 with an id, and that execution has the input unharmed."""
    inside = service.account()
    mark = fresh()
    wanted = {"mark": mark, "note": AWKWARD, "deep": {"n": [1, 2.5, None, True]}}
    answer = read(await service.ask("POST", PATH, expect=202, json=wanted))
    id_ = str(answer.get("id") or "")
    claim(bool(id_), "there is no id")
    given = await anyio.to_thread.run_sync(inside.execution_input, id_)
    # What it does is send its input to the queue: nothing of ours shall stay there.
    await take_back(service, mark)
    if given is None:
        raise CheckFailedError(f"there is no execution {id_}")
    claim(json.loads(given) == wanted, f"its input is {given!r}")


async def execution_invalid(service: Service) -> None:
    """POST /executions with what is no JSON is refused with 422."""
    headers = {"content-type": "application/json"}
    answer = await service.ask("POST", PATH, expect=422, content='{"a": ', headers=headers)
    claim_refusal(answer)


async def execution_too_large(service: Service) -> None:
    """POST /executions with more than Step Functions takes is refused with 413 or 422."""
    answer = await service.ask("POST", PATH, expect=(413, 422), json={"body": "x" * 262_200})
    claim_refusal(answer)


PROBES: tuple[Examine, ...] = (execution_started, execution_invalid, execution_too_large)


async def take_back(service: Service, mark: str) -> None:
    """Take what an execution sent out of the queue again."""
    if service.queue:
        await fetch(service, set(), mark=mark)
