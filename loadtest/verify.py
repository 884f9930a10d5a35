"""Hold a target over HTTP against the contract."""

import asyncio
from collections.abc import Sequence

import httpx2

from loadtest.contract import CHECKS
from loadtest.examination import Service, examine
from loadtest.resolver import Habits, resolver
from loadtest.resolver_httpx import ResolvedTransport
from loadtest.run import Check
from loadtest.targets import Target

# A first request may have to start an environment.
TIMEOUT_S = 35.0


def verify(target: Target) -> Sequence[Check]:
    """Make all checks."""
    return asyncio.run(_verify(target))


async def _verify(target: Target) -> Sequence[Check]:
    transport = (
        ResolvedTransport(resolver(target.name_server, Habits())) if target.name_server else None
    )
    async with httpx2.AsyncClient(
        base_url=target.url,
        timeout=TIMEOUT_S,
        trust_env=not target.is_here,
        transport=transport,
    ) as client:
        return await examine(Service(client, target.slug, target.queue), CHECKS)
