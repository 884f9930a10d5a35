"""Each probe passes at a gateway that has the feature, and fails at one that lacks it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2
import pytest

from app.api import create_app
from app.identity import Identity
from deploy.catalog import VARIANTS
from deploy.model import Feature, Variant
from loadtest.examination import Service, name_of
from loadtest.probes import PROBES
from loadtest.run import Check, Verdict
from loadtest.verify import hold
from tests.unit.loadtest.fakes import Asked, Break, Broken, MemoryProbe, MemoryQueue, Told
from tests.unit.loadtest.gateway_in_memory import GatewayInMemory, InsideInMemory

HERE = Identity("local", "dev", "lambda", "i-1")


def unchanged(_: Asked, told: Told) -> Told:
    return told


@dataclass(frozen=True)
class World:
    """A gateway before a service before a queue; `change` breaks what it answers."""

    change: Break = unchanged
    without_gateway: bool = False

    def probe(self, *features: Feature, known: bool = True, slow: bool = True) -> list[Check]:
        queue = MemoryQueue()
        app = create_app(queue, HERE)
        gateway = GatewayInMemory(app)
        asked = app if self.without_gateway else gateway

        async def run() -> list[Check]:
            transport = httpx2.ASGITransport(Broken(asked, self.change))
            async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
                service = Service(
                    client,
                    "local",
                    MemoryProbe(queue) if known else None,
                    inside=InsideInMemory(gateway) if known else None,
                    slow=slow,
                )
                return list(await hold(service, features))

        return asyncio.run(run())


def of(checks: list[Check], verdict: Verdict) -> dict[str, str]:
    return {check.name: check.reason for check in checks if check.verdict is verdict}


@pytest.mark.parametrize("feature", PROBES)
def test_a_gateway_that_has_the_feature_passes(feature: Feature) -> None:
    checks = World().probe(feature)

    assert of(checks, Verdict.FAILED) == {}
    assert of(checks, Verdict.SKIPPED) == {}
    assert {check.name for check in checks if check.feature == feature} == {
        name_of(probe) for probe in PROBES[feature]
    }


def at(path: str, **headers: str) -> Callable[[Asked], bool]:
    """Requests to a path with just these of the headers that open it."""
    opening = ("x-api-key", "authorization")
    wanted = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: (
        asked.path == path
        and {n: asked.headers[n] for n in opening if n in asked.headers} == wanted
    )


def answered(when: Callable[[Asked], bool], status: int, answer: object) -> Break:
    return lambda asked, told: told.with_json(status, answer) if when(asked) else told


REFUSED = {"error": {"code": "x", "message": "x"}, "request_id": "x"}
LET_IN = {"compute_id": "i-1"}

# For each probe: what is done to a good gateway so that this promise is broken.
SABOTAGE: Mapping[str, Break] = {
    "key-missing": answered(at("/keyed/whoami"), 200, LET_IN),
    "key-wrong": answered(
        at("/keyed/whoami", x_api_key="nineways-verify-knows-no-such-key"), 200, LET_IN
    ),
    "key-right": answered(at("/keyed/whoami", x_api_key="the-key"), 403, REFUSED),
    "token-missing": answered(at("/authorized/whoami"), 403, REFUSED),
    "token-wrong": answered(
        at("/authorized/whoami", authorization="Bearer nineways-verify-knows-no-such-token"),
        200,
        LET_IN,
    ),
    "token-right": answered(
        at("/authorized/whoami", authorization="Bearer the-token"), 200, {"who": "knows"}
    ),
}
FEATURE_OF = {name_of(probe): feature for feature, probes in PROBES.items() for probe in probes}


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_gateway_that_lacks_it_fails(name: str) -> None:
    checks = World(SABOTAGE[name]).probe(FEATURE_OF[name])

    probes = [check for check in checks if check.feature]
    assert list(of(probes, Verdict.FAILED)) == [name]


def test_every_probe_is_seen_to_fail() -> None:
    assert SABOTAGE.keys() == FEATURE_OF.keys()


@pytest.mark.parametrize("feature", PROBES)
def test_the_service_alone_has_none_of_it(feature: Feature) -> None:
    checks = World(without_gateway=True).probe(feature)

    assert of([check for check in checks if check.feature], Verdict.FAILED)


@pytest.mark.parametrize("feature", [Feature.API_KEY, Feature.AUTHORIZER])
def test_without_an_account_what_only_it_knows_is_skipped_with_the_reason(feature: Feature) -> None:
    checks = World().probe(feature, known=False)

    reasons = of([check for check in checks if check.feature], Verdict.SKIPPED)
    assert set(reasons.values()) == {"the account behind the service is not known"}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.slug)
def test_what_a_variant_adds_is_probed(variant: Variant) -> None:
    assert variant.features <= PROBES.keys()
