"""Ask a deployed service a question over HTTP."""

import json
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener


def get(url: str, *, timeout_s: float = 5) -> tuple[int, dict[str, Any]]:
    """GET the URL; status and JSON object. Status 0 when nothing answers HTTP there.

    Each call makes a connection of its own, so that a moved address is seen.
    """
    # A proxy of the environment could not reach this machine's own addresses.
    is_here = (urlsplit(url).hostname or "").startswith("127.")
    opener = build_opener(ProxyHandler({})) if is_here else build_opener()
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310  our stack's output
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return answer.status, _object(answer.read())
    except HTTPError as error:
        with error:
            return error.code, {}
    except (OSError, HTTPException):
        return 0, {}


def is_ready(url: str) -> bool:
    """Whether the service at that URL answers /readyz with 200."""
    return get(f"{url}/readyz")[0] == HTTPStatus.OK


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
