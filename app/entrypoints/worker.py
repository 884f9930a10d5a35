"""Work on the queue's messages: instances and containers."""

import asyncio
import logging
import os
import signal
import sys

from app.handler import handle
from app.logs import configure_logs
from app.settings import SettingError, Settings
from app.sqs import SqsQueue, sqs_client
from app.worker import POLLERS, WAIT_S, Worker

# While every poller waits, messages in work must still be kept hidden and deleted.
CALLS_AT_ONCE = 2 * POLLERS

log = logging.getLogger("app.worker")


async def work(settings: Settings) -> None:
    """Work until SIGTERM, then finish what was received."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    client = sqs_client(region=settings.region, connections=CALLS_AT_ONCE, longest_wait_s=WAIT_S)
    queue = SqsQueue(client, settings.queue_url, calls_at_once=CALLS_AT_ONCE)
    log.info("working on %s", settings.queue_url)
    await Worker(queue, handle).run(stop)
    await queue.close()
    log.info("stopped")


def main() -> None:
    """Start the worker."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingError as error:
        sys.exit(f"the worker cannot start: {error}")
    configure_logs(level=settings.log_level, variant=settings.variant)
    asyncio.run(work(settings))


if __name__ == "__main__":
    main()
