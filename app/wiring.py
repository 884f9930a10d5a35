"""Put the HTTP service together, the same way for every entrypoint."""

from collections.abc import Mapping

from fastapi import FastAPI

from app.api import create_app
from app.identity import identify
from app.settings import Settings
from app.sqs import FLUSHERS, SqsQueue, sqs_client

# The queue's depth can be read while all flushers are busy.
CALLS_AT_ONCE = FLUSHERS + 2


def http_service(settings: Settings, environment: Mapping[str, str]) -> FastAPI:
    """Make the service on the queue that the settings name."""
    client = sqs_client(region=settings.region, connections=CALLS_AT_ONCE)
    return create_app(
        SqsQueue(client, settings.queue_url, calls_at_once=CALLS_AT_ONCE),
        identify(settings, environment),
        stage_prefix=settings.stage_prefix,
        route_prefixes=settings.route_prefixes,
    )
