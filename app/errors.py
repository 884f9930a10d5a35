"""Every error in one shape, and never a stack trace in an answer."""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.logs import request_id
from app.queue import MessageRefusedError, QueueUnavailableError

# What a caller should wait before the next try; a failed send has cost several seconds already.
RETRY_AFTER_S = 2

MAX_FIELD_CHARS = 100

log = logging.getLogger(__name__)


class ErrorResponse(Response):
    """An answer in the shape of `schemas.ErrorAnswer`."""

    media_type = "application/json"

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        problem = {"code": code, "message": message} | ({"field": field} if field else {})
        answer = {"error": problem, "request_id": request_id.get()}
        super().__init__(json.dumps(answer), status.value, headers)


def unavailable(code: str, message: str) -> ErrorResponse:
    """Answer 503 and say when to come back."""
    return ErrorResponse(
        HTTPStatus.SERVICE_UNAVAILABLE,
        code,
        message,
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def too_large(limit_bytes: int) -> ErrorResponse:
    """Answer 413 and name the limit."""
    return ErrorResponse(
        # Python 3.13 renamed it to CONTENT_TOO_LARGE.
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "content_too_large",
        f"the request's body is too large: at most {limit_bytes} bytes",
    )


def internal_error() -> ErrorResponse:
    """Answer 500; the reason is in the log, under the request's id."""
    return ErrorResponse(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "something went wrong here; the request_id finds it in the log",
    )


def answer_errors(app: FastAPI, *, max_request_bytes: int) -> None:
    """Make the app answer its errors in our shape."""

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for this
        return _invalid(request, error)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this
        return _http_error(request, error, max_request_bytes)

    async def queue_unavailable(_: Request, error: Exception) -> Response:
        log.warning("the queue is unavailable: %s", error)
        return unavailable("queue_unavailable", "the queue cannot be reached at the moment")

    async def message_refused(_: Request, error: Exception) -> Response:
        log.warning("the queue refused a message: %s", error)
        return ErrorResponse(
            HTTPStatus.UNPROCESSABLE_ENTITY, "message_refused", "the queue refused this message"
        )

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(QueueUnavailableError, queue_unavailable)
    app.add_exception_handler(MessageRefusedError, message_refused)


def _invalid(request: Request, error: RequestValidationError) -> Response:
    if other := _unsupported(request):
        return other
    first = error.errors()[0]
    field = _field(first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "json_invalid":
        message = f"not JSON: {first['ctx']['error']} at position {first['loc'][-1]}"
    return ErrorResponse(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid_request",
        f"{field or 'the request'}: {message}",
        field=field,
    )


def _unsupported(request: Request) -> Response | None:
    # FastAPI reads a body of another type as bytes, which no model accepts. So asking here,
    # when it has been refused already, costs a good request nothing.
    problem = _media_problem(request.headers) if request.method == "POST" else None
    if problem is None:
        return None
    return ErrorResponse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", problem)


def _media_problem(headers: Mapping[str, str]) -> str | None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        return f"the content type must be application/json, not {media_type[:100] or 'missing'}"
    if "content-encoding" in headers:
        return "the content must not be encoded"
    return None


def _field(location: Sequence[Any]) -> str | None:
    # ("body", "attributes", "colour", "[key]") → attributes.colour; ("query", "ms") → ms
    names = [str(part) for part in location[1:] if part != "[key]" and not isinstance(part, int)]
    return ".".join(names)[:MAX_FIELD_CHARS] or None


def _http_error(request: Request, error: HTTPException, max_request_bytes: int) -> Response:
    if error.status_code == HTTPStatus.BAD_REQUEST and (other := _unsupported(request)):
        return other
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return too_large(max_request_bytes)
    status = HTTPStatus(error.status_code)
    return ErrorResponse(
        status,
        status.phrase.lower().replace(" ", "_"),
        str(error.detail),
        headers=error.headers,
    )
