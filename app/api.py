"""The HTTP interface. Routes only translate: from HTTP to the queue and back."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.middleware import Middleware
from starlette.responses import Response

from app.errors import answer_errors
from app.identity import Identity
from app.logs import request_id
from app.messages import IDEMPOTENCY_KEY, REQUEST_ID, Message
from app.middleware import RequestContext, UnderPrefix
from app.queue import MessageQueue
from app.readiness import Readiness
from app.schemas import (
    MAX_REQUEST_BYTES,
    Accepted,
    ErrorAnswer,
    IdempotencyKey,
    NewMessage,
    Spent,
    Stats,
    Status,
    WhoAmI,
)
from app.tracing import trace

MAX_WORK_MS = 10_000
# Long enough to meet the 29 s of a REST API and the 60 s of a load balancer.
MAX_WAIT_MS = 65_000

# Each may hold MAX_REQUEST_BYTES: together half of the smallest task's memory.
MAX_IN_FLIGHT = 512

# A balancer and an install script ask every few seconds; many copies must not become a load.
READINESS_KEPT_S = 3

# Looked at by hand: declared as a parameter of the route, this one header would cost every request
# a tenth of what it takes, whether it is sent or not.
KEY_HEADER = "Idempotency-Key"
KEY = TypeAdapter[str](IdempotencyKey)
KEY_PARAMETER = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": "Passed on with the message.",
    "schema": KEY.json_schema(),
}

Answers: TypeAlias = dict[int | str, dict[str, Any]]


def _error(description: str, **headers: str) -> dict[str, Any]:
    documented = {
        name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
        for name, text in headers.items()
    }
    return {"model": ErrorAnswer, "description": description} | (
        {"headers": documented} if documented else {}
    )


ANY_ROUTE: Answers = {
    500: _error("Something went wrong here; the log has the reason under the request_id."),
    503: _error(
        "The queue cannot be reached, or too many requests are being answered already.",
        Retry_After="Seconds to wait before the next try.",
    ),
}
INVALID: Answers = {422: _error("A part of the request is wrong: `field` names it.")}
SENDING: Answers = INVALID | {
    400: _error("The body cannot be read as text."),
    413: _error(f"The body of the request is over {MAX_REQUEST_BYTES} bytes."),
    415: _error("The body is not declared to be application/json."),
}


def create_app(
    queue: MessageQueue,
    identity: Identity,
    *,
    stage_prefix: str = "",
    route_prefixes: Sequence[str] = (),
    max_in_flight: int = MAX_IN_FLIGHT,
) -> FastAPI:
    """Make the service around a queue; when the service stops it closes the queue.

    `stage_prefix` is what a gateway puts before every path: paths are understood with and
    without it, and /docs links with it. Each of `route_prefixes` leads to the same routes.
    """

    @asynccontextmanager
    async def closing_the_queue(_: FastAPI) -> AsyncIterator[None]:
        yield
        await queue.close()

    app = FastAPI(
        title="nineways",
        summary="One service in nine architectures: messages in, a queue behind.",
        version=identity.version,
        lifespan=closing_the_queue,
        redirect_slashes=False,
        responses=ANY_ROUTE,
        middleware=[
            Middleware(
                RequestContext,
                max_request_bytes=MAX_REQUEST_BYTES,
                max_in_flight=max_in_flight,
            ),
            *(
                [Middleware(UnderPrefix, prefix=stage_prefix, route_prefixes=route_prefixes)]
                if stage_prefix or route_prefixes
                else []
            ),
        ],
    )
    answer_errors(app, max_request_bytes=MAX_REQUEST_BYTES)
    _add_messages(app, queue)
    _add_health(app, Readiness(queue, keep_s=READINESS_KEPT_S))
    _add_introspection(app, queue, identity)
    _add_exercises(app)
    return app


def _add_messages(app: FastAPI, queue: MessageQueue) -> None:
    @app.post(
        "/messages",
        status_code=HTTPStatus.ACCEPTED,
        response_model=Accepted,
        responses=SENDING,
        max_body_size=MAX_REQUEST_BYTES,
        openapi_extra={"parameters": [KEY_PARAMETER]},
        tags=["messages"],
    )
    async def send_message(new: NewMessage, request: Request) -> Response:
        """Put a message into the queue; the answer comes after the queue acknowledged it."""
        own_id, of = request_id.get(), trace.get()
        attributes = {**(new.attributes or {}), REQUEST_ID: own_id}
        if (key := request.headers.get(KEY_HEADER)) is not None:
            attributes[IDEMPOTENCY_KEY] = _checked(key)
        message = Message(new.body, attributes, trace=of.beside(own_id) if of else "")
        accepted = Accepted(id=await queue.send(message))
        # Our own answer need not be validated before it is written.
        return Response(
            accepted.model_dump_json(), HTTPStatus.ACCEPTED, media_type="application/json"
        )


def _checked(key: str) -> str:
    try:
        return KEY.validate_python(key)
    except ValidationError as error:
        problems = [{**problem, "loc": ("header", KEY_HEADER)} for problem in error.errors()]
        raise RequestValidationError(problems) from error


def _add_health(app: FastAPI, readiness: Readiness) -> None:
    @app.get("/healthz", tags=["health"])
    async def is_alive() -> Status:
        """Say that this copy answers; whatever it depends on is not asked."""
        return Status(status="ok")

    @app.get("/readyz", tags=["health"])
    async def is_ready() -> Status:
        """Say whether the queue answered within the last few seconds."""
        await readiness.check()
        return Status(status="ready")


def _add_introspection(app: FastAPI, queue: MessageQueue, identity: Identity) -> None:
    @app.get("/whoami", tags=["introspection"])
    async def who_am_i(request: Request) -> WhoAmI:
        """Name the copy that answers."""
        return WhoAmI(
            variant=identity.variant,
            compute=identity.compute,
            compute_id=identity.compute_id,
            version=identity.version,
            cold_start=request.state.is_first,
            up_s=round(identity.up_s(), 3),
            python=identity.python,
        )

    @app.get("/stats", tags=["introspection"])
    async def stats() -> Stats:
        """Count what is in the queue."""
        depth = await queue.depth()
        return Stats(visible=depth.visible, in_flight=depth.in_flight, delayed=depth.delayed)


def _add_exercises(app: FastAPI) -> None:
    # A plain `def`: it keeps a thread busy, not the loop that answers everybody else.
    @app.get("/work", responses=INVALID, tags=["exercises"])
    def work(
        ms: Annotated[int, Query(ge=0, le=MAX_WORK_MS, description="Milliseconds of CPU.")],
    ) -> Spent:
        """Burn CPU, as a route that computes something would."""
        started_ns = time.thread_time_ns()
        while (spent_ns := time.thread_time_ns() - started_ns) < ms * 1_000_000:
            sum(range(1_000))
        return Spent(ms=spent_ns / 1e6)

    @app.get("/wait", responses=INVALID, tags=["exercises"])
    async def wait(
        ms: Annotated[int, Query(ge=0, le=MAX_WAIT_MS, description="Milliseconds.")],
    ) -> Spent:
        """Wait, as a route that asks somebody else would."""
        started_s = time.perf_counter()
        await asyncio.sleep(ms / 1_000)
        return Spent(ms=(time.perf_counter() - started_s) * 1_000)
