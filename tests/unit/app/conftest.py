import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api import create_app
from app.identity import Identity
from tests.unit.app.memory_queue import MemoryQueue


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def queue() -> MemoryQueue:
    return MemoryQueue()


@pytest.fixture
def identity() -> Identity:
    return Identity(variant="test", version="v1", compute="instance", compute_id="i-0abc")


@pytest.fixture
def app(queue: MemoryQueue, identity: Identity) -> FastAPI:
    return create_app(queue, identity)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    yield
    root.handlers[:], root.level = before


def lines(written: str) -> list[dict[str, Any]]:
    """Read the log lines, without those of the HTTP client that the tests use."""
    every = [json.loads(line) for line in written.splitlines()]
    return [line for line in every if line["logger"] != "httpx2"]
