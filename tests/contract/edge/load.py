"""Steady requests beside a test, each on its own connection, and what became of them."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """Status 0 is no answer at all; `at_s` is when the request started."""

    at_s: float
    status: int
    body: str


@dataclass
class Load:
    answers: list[Answer] = field(default_factory=list)

    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    def bodies_since(self, at_s: float) -> set[str]:
        return {answer.body for answer in self.answers if answer.at_s >= at_s}


async def get(host: str, port: int, path: str, *, timeout_s: float = 10) -> tuple[int, str]:
    """GET on a connection of its own; status 0 and the error when there is no answer."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
                answer = (await reader.read()).decode()
            finally:
                writer.close()
    except OSError as error:
        return 0, repr(error)
    head, _, body = answer.partition("\r\n\r\n")
    return (int(head.split(" ", 2)[1]), body) if head else (0, "closed without an answer")


@contextmanager
def steady(host: str, port: int, path: str = "/", *, rate_per_s: int = 100) -> Iterator[Load]:
    """Send requests at a fixed rate until the block ends, then wait for the last answers."""
    load = Load()
    enough = threading.Event()

    async def one() -> None:
        at_s = time.monotonic()
        load.answers.append(Answer(at_s, *await get(host, port, path)))

    async def send() -> None:
        start_s = time.monotonic()
        async with asyncio.TaskGroup() as requests:
            sent = 0
            while not enough.is_set():
                requests.create_task(one())
                sent += 1
                await asyncio.sleep(start_s + sent / rate_per_s - time.monotonic())

    thread = threading.Thread(target=asyncio.run, args=(send(),))
    thread.start()
    try:
        yield load
    finally:
        enough.set()
        thread.join()
