"""The emulator as the fleet sees it: what it wants, and what it is told."""

import json
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.lab.fleet.wanted import Wanted, wanted

# How long one question for news may stay open.
_WAIT_S = 20
_RETRY_S = 0.2


@dataclass(frozen=True)
class Emulator:
    """Its two addresses for agents."""

    url: str

    def state(self, *, since: int) -> Wanted:
        """Wait for a version after `since`, or for a while."""
        address = f"{self.url}/_lab/state?since={since}&wait={_WAIT_S}"
        with urllib.request.urlopen(address, timeout=_WAIT_S + 10) as answer:  # noqa: S310  our own emulator
            return wanted(json.load(answer))

    def report(self, machines: Mapping[str, Mapping[str, Any]]) -> None:
        """Say how machines are."""
        request = urllib.request.Request(  # noqa: S310  our own emulator
            f"{self.url}/_lab/observed",
            data=json.dumps({"machines": machines}).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310  the same
            pass


class News:
    """What is wanted now, kept up to date by a thread of its own."""

    def __init__(self, emulator: Emulator, *, tell: Callable[[str], None]) -> None:
        self._emulator = emulator
        self._tell = tell
        self._latest: Wanted | None = None
        self._arrived = threading.Event()
        threading.Thread(target=self._listen, name="news", daemon=True).start()

    def latest(self, *, wait_s: float) -> Wanted | None:
        """Give the last version, after at most `wait_s` without a new one."""
        self._arrived.wait(wait_s)
        self._arrived.clear()
        return self._latest

    def _listen(self) -> None:
        pause = threading.Event()
        said = ""
        while True:
            since = self._latest.version if self._latest else -1
            try:
                latest = self._emulator.state(since=since)
            except (OSError, ValueError, KeyError, TypeError) as error:
                # Not up yet, restarting, or a document that we do not understand: say it once.
                if str(error) != said:
                    said = str(error)
                    self._tell(f"no news from {self._emulator.url}: {error!r}")
                pause.wait(_RETRY_S)
                continue
            said = ""
            if latest.version != since:
                self._latest = latest
                self._arrived.set()
