"""DeleteStack while the stack is still being created: the creation is cancelled first.

MiniStack would delete what it has recorded, and what is being waited for would stay behind.
"""

import asyncio

from deploy.lab.cloud.border import Action, Internals, Parameters, Response
from deploy.lab.cloud.lab import Lab

HANDLERS = Internals(
    "services.cloudformation.handlers", "_ACTION_HANDLERS", "_error", "_p", "_resolve_stack", "_xml"
)

LOOK_EVERY_S = 0.02


def install(lab: Lab) -> None:
    """Hook into DeleteStack."""
    HANDLERS.ACTION_HANDLERS["DeleteStack"] = Deletion(lab, HANDLERS.ACTION_HANDLERS["DeleteStack"])


class Deletion:
    """DeleteStack, which waits for a cancelled creation to be rolled back."""

    def __init__(self, lab: Lab, stock: Action) -> None:
        self._cancelled = lab.cancelled
        self._stock = stock
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, parameters: Parameters) -> Response:
        """Delete a stack now, or as soon as its creation has stopped."""
        stack = HANDLERS.resolve_stack(HANDLERS.p(parameters, "StackName"))
        status = stack["StackStatus"] if stack else ""
        if status == "CREATE_IN_PROGRESS":
            task = asyncio.get_running_loop().create_task(self._cancel_and_delete(parameters))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            response: Response = HANDLERS.xml(200, "DeleteStackResponse", "")
            return response
        if status.startswith("UPDATE") and status.endswith("IN_PROGRESS"):
            message = f"Stack [{stack['StackName']}] is in {status} state and can not be deleted"
            refusal: Response = HANDLERS.error("ValidationError", message)
            return refusal
        return self._stock(parameters)

    async def _cancel_and_delete(self, parameters: Parameters) -> None:
        stack = HANDLERS.resolve_stack(HANDLERS.p(parameters, "StackName"))
        self._cancelled.add(stack["StackName"])
        while stack["StackStatus"].endswith("IN_PROGRESS"):  # noqa: ASYNC110 - MiniStack has no event
            await asyncio.sleep(LOOK_EVERY_S)
        self._cancelled.discard(stack["StackName"])
        self._stock(parameters)
