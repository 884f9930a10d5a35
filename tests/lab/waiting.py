"""Waiting in tests: for something to happen, never for a time."""

from collections.abc import Callable

from deploy.waiting import Patience


def wait_until(happened: Callable[[], bool], what: str, timeout_s: float = 20) -> None:
    Patience(every_s=0.05).until(happened, what=what, timeout_s=timeout_s)
