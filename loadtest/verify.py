"""Hold a target over HTTP against the contract, and probe what it adds."""

import asyncio
from collections.abc import Sequence

import httpx2

from deploy.errors import NinewaysError
from deploy.model import Feature
from loadtest.contract import ASKING
from loadtest.examination import Service, examine
from loadtest.hindsight import LOOKING_BACK
from loadtest.probes import PROBES
from loadtest.resolver import Habits, resolver
from loadtest.resolver_httpx import ResolvedTransport
from loadtest.run import Check, Verdict
from loadtest.targets import Target

# A first request may have to start an environment.
TIMEOUT_S = 35.0


def verify(target: Target, *, probed: bool = False, slow: bool = False) -> Sequence[Check]:
    """Make all checks of the contract; those of the target's features too if `probed`.

    `slow` adds those that take half a minute each.
    """
    features = sorted(target.features, key=list(Feature).index) if probed else ()
    return asyncio.run(_verify(target, features, slow=slow))


async def _verify(target: Target, features: Sequence[Feature], *, slow: bool) -> Sequence[Check]:
    transport = (
        ResolvedTransport(resolver(target.name_server, Habits())) if target.name_server else None
    )
    async with httpx2.AsyncClient(
        base_url=target.url,
        timeout=TIMEOUT_S,
        trust_env=not target.is_here,
        transport=transport,
    ) as client:
        service = Service(
            client,
            target.slug,
            target.queue,
            not_promised=target.not_promised,
            inside=target.inside,
            slow=slow,
        )
        return await hold(service, features)


async def hold(service: Service, features: Sequence[Feature]) -> Sequence[Check]:
    """Ask what the contract asks, probe the features, and look back at all of it."""
    asked = await examine(service, ASKING)
    probed = [
        check
        for feature in features
        for check in await examine(service, PROBES[feature], feature=feature)
    ]
    # The contract comes first, as it is told.
    return [*asked, *await examine(service, LOOKING_BACK), *probed]


def not_there(error: NinewaysError) -> Check:
    """What is said of a variant that could not be asked at all."""
    reason = f"{error.message}; {error.remedy}" if error.remedy else error.message
    return Check(name="standing", promise="It stands", verdict=Verdict.FAILED, reason=reason)
