"""How many execution environments may start at once."""

from types import SimpleNamespace

import pytest

from deploy.lab.cloud import lambda_starts
from deploy.lab.cloud.lambda_starts import Lease, Starts


class Waited(Exception):  # noqa: N818 - no error
    """An invocation had to wait for others."""


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Starts:
    """Environments of which one may start at a time, and no one ever is free."""

    def waited(_: str) -> bool:
        raise Waited

    monkeypatch.setattr(lambda_starts, "POOL", SimpleNamespace(worker_key=lambda *_: "f"))
    monkeypatch.setattr(lambda_starts, "_has_free", waited)
    return Starts(lambda *_, **__: (object(), "spawn"), lambda _: None, most=1)


def acquire(starts: Starts) -> Lease:
    return starts.acquire("f", {}, b"")


def test_while_as_many_start_as_may_the_next_one_waits(starts: Starts) -> None:
    acquire(starts)

    with pytest.raises(Waited):
        acquire(starts)


def test_one_that_has_served_makes_room(starts: Starts) -> None:
    worker, _ = acquire(starts)
    starts.release(worker)

    acquire(starts)


def test_one_that_failed_to_start_makes_room_too(starts: Starts) -> None:
    acquire(starts)
    starts.release(None)

    acquire(starts)
