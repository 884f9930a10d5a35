"""Serve HTTP with uvicorn: instances and containers."""

import gc
import os
import sys

import uvicorn
from fastapi import FastAPI

from app.logs import configure_logs
from app.settings import SettingError, Settings
from app.wiring import http_service

# Longer than the 60 s after which a load balancer closes an idle connection: who closes first
# must be the balancer, or it sends a request into a connection that is gone, and answers 502.
KEEP_ALIVE_S = 75

# Shorter than the 30 s that ECS leaves between SIGTERM and SIGKILL.
GRACEFUL_STOP_S = 20

# Idle connections count, and a balancer keeps many. What is really being answered is bounded by
# the service itself, in its own words (api.MAX_IN_FLIGHT).
MAX_CONNECTIONS = 4_096


def main() -> None:
    """Serve until SIGTERM, then finish what is in flight."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingError as error:
        sys.exit(f"the service cannot start: {error}")
    configure_logs(level=settings.log_level, variant=settings.variant)
    serve(http_service(settings, os.environ), settings)


def serve(app: FastAPI, settings: Settings) -> None:
    """Run uvicorn as it must be run behind a load balancer."""
    _spare_the_garbage_collector()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_STOP_S,
        limit_concurrency=MAX_CONNECTIONS,
    )


def _spare_the_garbage_collector() -> None:
    # What was made until now stays to the end: looking through it for garbage again and again,
    # after every few hundred new objects, took a fifth of the CPU of a request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


if __name__ == "__main__":
    main()
