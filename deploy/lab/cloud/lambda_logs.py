"""An execution environment writes one log stream, whose name it knows; MiniStack opens one a call.

https://docs.aws.amazon.com/lambda/latest/operatorguide/log-structure.html
"""

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from deploy.lab.cloud.border import Internals

LAMBDA = Internals("services.lambda_svc", "_emit_lambda_logs", "acquire_worker", "new_uuid")
STREAM = "AWS_LAMBDA_LOG_STREAM_NAME"

# The last part of the stream's name: of the environment that this invocation runs in, and of the
# one whose lines are being written. An invocation has a context of its own.
_runs_in: ContextVar[str] = ContextVar("runs_in", default="")
_written_by: ContextVar[str] = ContextVar("written_by", default="")
# What the environment of this invocation said before it failed to start.
_last_words: ContextVar[str] = ContextVar("last_words", default="")


def install() -> None:
    """Hook into how environments are come by, and into what writes their lines."""
    stock_acquire = LAMBDA.acquire_worker
    stock_emit, stock_uuid = LAMBDA.emit_lambda_logs, LAMBDA.new_uuid

    def acquire(*arguments: Any, **named: Any) -> tuple[Any, str]:  # noqa: ANN401 - MiniStack's
        worker, how = stock_acquire(*arguments, **named)
        _last_words.set("")
        _runs_in.set(vars(worker).setdefault("log_stream", uuid4().hex) if worker else "")
        return worker, how

    def emit(function: Any, request_id: str, text: str, *rest: Any, **named: Any) -> None:  # noqa: ANN401 - the same
        token = _written_by.set(_runs_in.get())
        try:
            stock_emit(function, request_id, text or _last_words.get(), *rest, **named)
        finally:
            _written_by.reset(token)

    def uuid() -> str:
        """Which the stock function asks for once, to make up the last part of a stream's name."""
        if not (last := _written_by.get()):
            return str(stock_uuid())
        _written_by.set("")
        return last

    LAMBDA.replace("acquire_worker", acquire)
    LAMBDA.replace("emit_lambda_logs", emit)
    LAMBDA.replace("new_uuid", uuid)


def told(environment: Mapping[str, str]) -> dict[str, str]:
    """What a new environment is told of its stream; nothing when no invocation starts it."""
    if not (last := _runs_in.get()):
        return {}
    version = environment.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    return {STREAM: f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{last}"}


def failed_to_start(said: str) -> None:
    """Keep what an environment said that could not import the function; MiniStack drops it."""
    _last_words.set(said)
