"""Each probe passes at a gateway that has the feature, and fails at one that lacks it."""

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import httpx2
import pytest

from app.api import create_app
from app.identity import Identity
from app.messages import Message
from deploy.catalog import VARIANTS
from deploy.errors import StackError
from deploy.model import Feature, Variant
from deploy.secrets import Secret
from loadtest.examination import Service, name_of
from loadtest.probes import PROBES
from loadtest.run import Check, Verdict
from loadtest.verify import hold
from tests.unit.loadtest.fakes import Asked, Break, Broken, MemoryProbe, MemoryQueue, Told
from tests.unit.loadtest.gateway_in_memory import GatewayInMemory, InsideInMemory

FUNCTION = Identity("local", "dev", "lambda", "i-1")
CONTAINER = Identity("local", "dev", "container", "i-2")
BALANCED = {Feature.PAYLOAD_1_MB, Feature.WAF, Feature.HYBRID}


def unchanged(_: Asked, told: Told) -> Told:
    return told


@dataclass
class World:
    """A gateway before a service before a queue; `change` breaks what it answers."""

    change: Break = unchanged
    without_gateway: bool = False
    has_cache: bool = True
    known: bool = True
    slow: bool = True
    inside_of: type[InsideInMemory] = InsideInMemory
    queue: MemoryQueue = field(default_factory=MemoryQueue)

    def probe(self, *features: Feature) -> list[Check]:
        app = create_app(self.queue, FUNCTION)
        gateway = GatewayInMemory(
            app,
            create_app(self.queue, CONTAINER),
            self.queue,
            is_balancer=bool(BALANCED & set(features)),
        )
        self.inside = self.inside_of(gateway, has_cache=self.has_cache)
        asked = app if self.without_gateway else gateway

        async def pause(seconds: float) -> None:
            gateway.now_s += seconds
            # /whoami tells milliseconds apart.
            await asyncio.sleep(0.002)

        async def run() -> list[Check]:
            transport = httpx2.ASGITransport(Broken(asked, self.change))
            async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
                service = Service(
                    client,
                    "local",
                    MemoryProbe(self.queue) if self.known else None,
                    inside=self.inside if self.known else None,
                    slow=self.slow,
                    pause=pause,
                )
                return list(await hold(service, features))

        return asyncio.run(run())


def of(checks: list[Check], verdict: Verdict) -> dict[str, str]:
    return {check.name: check.reason for check in checks if check.verdict is verdict}


def probes_of(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.feature]


@pytest.mark.parametrize("feature", PROBES)
def test_a_gateway_that_has_the_feature_passes_and_nothing_stays(feature: Feature) -> None:
    world = World()

    checks = world.probe(feature)

    assert of(checks, Verdict.FAILED) == {}
    assert of(checks, Verdict.SKIPPED) == {}
    assert [check.name for check in probes_of(checks)] == [name_of(p) for p in PROBES[feature]]
    assert world.queue.messages == {}
    assert world.inside.gateway.events.messages == {}
    assert world.inside.gateway.bucket == {}
    assert (world.inside.gateway.quota, world.inside.gateway.reserved) == (1000, None)


When = Callable[[Asked], bool]


def at(path: str, method: str = "", **headers: str) -> When:
    """Requests to a path with just these of the headers that open it."""
    opening = ("x-api-key", "authorization")
    wanted = {name.replace("_", "-"): value for name, value in headers.items()}

    def is_it(asked: Asked) -> bool:
        given = {name: asked.headers[name] for name in opening if name in asked.headers}
        right_path = asked.path == path or (path.endswith("/") and asked.path.startswith(path))
        return right_path and given == wanted and method in {"", asked.method}

    return is_it


def sending(when: When, *words: str) -> When:
    """Of these requests, those whose body or query has one of the words."""
    return lambda asked: when(asked) and any(w in asked.body.decode("latin-1") for w in words)


def answered(when: When, status: int, answer: object) -> Break:
    return lambda asked, told: told.with_json(status, answer) if when(asked) else told


REFUSED = {"error": {"code": "x", "message": "x"}, "request_id": "x"}
BY_SERVICE = {"error": {"code": "x", "message": "x", "field": "body"}, "request_id": "x"}
LET_IN = {"compute_id": "i-1", "compute": "lambda"}
TAKEN = {"id": "m-1"}


def page(when: When, status: int) -> Break:
    """As a balancer refuses."""

    def change(asked: Asked, told: Told) -> Told:
        headers = {"content-type": "text/html"}
        return (
            replace(told, status=status, headers=headers, body=b"<h1>no</h1>")
            if when(asked)
            else told
        )

    return change


def counting(when: When) -> Break:
    """Each answer another one."""
    numbers = itertools.count()
    return lambda asked, told: told.with_json(200, {"up_s": next(numbers)}) if when(asked) else told


def mangled(when: When) -> Break:
    return lambda asked, told: replace(told, body=told.body[1:]) if when(asked) else told


def query_has(*words: str) -> When:
    return lambda asked: any(word in asked.query for word in words)


def refusing_all(asked: Asked, told: Told) -> Told:
    return told.with_json(429, REFUSED) if asked.path == "/throttled/whoami" else told


def unrefused(asked: Asked, told: Told) -> Told:
    """No quota is kept."""
    return told.with_json(200, LET_IN) if told.status == 429 and "keyed" in asked.path else told


def attack_passes(*words: str, in_query: bool) -> Break:
    """Let one kind of attack pass."""

    def change(asked: Asked, told: Told) -> Told:
        where = asked.query if in_query else asked.body.decode()
        if told.status == 403 and any(word in where for word in words):
            return replace(told, status=200 if in_query else 202)
        return told

    return change


# For each probe: what is done to a good gateway so that this promise is broken.
SABOTAGE: Mapping[str, Break] = {
    "key-missing": answered(at("/keyed/whoami"), 200, LET_IN),
    "key-wrong": answered(
        at("/keyed/whoami", x_api_key="nineways-verify-knows-no-such-key"), 200, LET_IN
    ),
    "key-right": answered(at("/keyed/whoami", x_api_key="the-key"), 403, REFUSED),
    "quota-used-up": unrefused,
    "token-missing": answered(at("/authorized/whoami"), 403, REFUSED),
    "token-wrong": answered(
        at("/authorized/whoami", authorization="Bearer nineways-verify-knows-no-such-token"),
        200,
        LET_IN,
    ),
    "token-right": answered(
        at("/authorized/whoami", authorization="Bearer the-token"), 200, {"who": "knows"}
    ),
    "cached": counting(at("/cached/whoami")),
    "cached-by-key": answered(at("/cached/whoami"), 200, LET_IN),
    "cache-expires": answered(at("/cached/whoami"), 200, LET_IN),
    "throttled": refusing_all,
    "throttled-alone": answered(at("/whoami"), 429, REFUSED),
    "valid-body": answered(sending(at("/validated/messages"), "validated"), 422, REFUSED),
    "invalid-body": answered(
        lambda a: a.path == "/validated/messages" and a.body == b"{}", 422, BY_SERVICE
    ),
    "invalid-type": answered(sending(at("/validated/messages"), "7"), 202, TAKEN),
    "invalid-json": answered(
        lambda a: a.path == "/validated/messages" and a.body == b'{"body": ', 400, REFUSED
    ),
    "above-10-mb": answered(at("/messages"), 413, REFUSED),
    "below-1-mb": page(lambda a: 800_000 < len(a.body) < 1_000_000, 413),
    "above-1-mb": answered(lambda a: len(a.body) > 1_000_000, 413, REFUSED),
    "too-late": answered(query_has("ms=32000"), 200, {"ms": 32_000}),
    "bounded": answered(at("/wait"), 200, {"ms": 1000}),
    "unbounded-again": answered(query_has("ms=10"), 500, REFUSED),
    "sql-in-query": attack_passes("UNION", in_query=True),
    "sql-in-body": attack_passes("DROP TABLE", in_query=False),
    "script-in-query": attack_passes("script", in_query=True),
    "script-in-body": attack_passes("onerror", in_query=False),
    "innocents-pass": page(query_has("Brien"), 403),
    "function-first": answered(at("/whoami"), 200, LET_IN | {"compute": "container"}),
    "containers-beside": answered(at("/containers/whoami"), 200, LET_IN),
    "containers-serve": answered(at("/containers/messages"), 404, REFUSED),
    "event-published": answered(sending(at("/events"), "verify-"), 202, {}),
    "event-invalid": answered(lambda a: a.path == "/events" and a.body == b"{}", 202, TAKEN),
    "event-too-large": answered(sending(at("/events"), "x" * 300_000), 503, REFUSED),
    "execution-started": answered(sending(at("/executions"), "mark"), 202, {"id": "nobody"}),
    "execution-invalid": answered(sending(at("/executions"), '{"a": '), 202, TAKEN),
    "execution-too-large": answered(sending(at("/executions"), "x" * 262_144), 202, TAKEN),
    "object-stored": mangled(lambda a: a.method == "GET" and a.headers["accept"] == "text/plain"),
    "object-stored-bytes": mangled(lambda a: a.headers.get("accept") == "application/octet-stream"),
    "object-missing": answered(at("/objects/", "GET"), 403, REFUSED),
    "smuggled-members": answered(sending(at("/messages"), '"DelaySeconds":900}'), 202, TAKEN),
}
# These are broken in the queue, not in the answer.
PLANTED = {"planted-in-body", "planted-in-attribute", "planted-in-key"}
FEATURE_OF = {name_of(probe): feature for feature, probes in PROBES.items() for probe in probes}


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_gateway_that_lacks_it_fails(name: str) -> None:
    checks = World(SABOTAGE[name]).probe(FEATURE_OF[name])

    assert name in of(probes_of(checks), Verdict.FAILED)


def test_every_probe_is_seen_to_fail() -> None:
    assert SABOTAGE.keys() | PLANTED == FEATURE_OF.keys()


class Form(MemoryQueue):
    """What a template does that writes a form and encodes nothing."""

    async def send(self, message: Message) -> str:
        attributes = {n: v.partition("&")[0] for n, v in message.attributes.items()}
        if "&MessageAttribute.9.Name=planted" in message.body:
            attributes["planted"] = "x"
        return await super().send(Message(message.body.partition("&")[0], attributes))


class Delaying(MemoryQueue):
    """Hides what asks for it."""

    async def send(self, message: Message) -> str:
        id_ = await super().send(message)
        if "DelaySeconds" in message.body:
            del self.messages[id_]
        return id_


class Adding(MemoryQueue):
    """Leaves the body alone, and believes what it says."""

    async def send(self, message: Message) -> str:
        more = {"planted": "x"} if "Name=planted" in message.body else {}
        return await super().send(replace(message, attributes={**message.attributes, **more}))


@pytest.mark.parametrize(
    ("queue", "broken"),
    [
        (Form(), PLANTED),
        (Delaying(), {"planted-in-body"}),
        (Adding(), {"planted-in-body"}),
    ],
)
def test_a_template_that_lets_words_become_parameters_fails(
    queue: MemoryQueue, broken: set[str]
) -> None:
    checks = World(queue=queue).probe(Feature.MAPPING)

    assert of(probes_of(checks), Verdict.FAILED).keys() == broken


def test_a_throttle_that_others_used_up_a_moment_ago_passes() -> None:
    world = World()

    def exhausted(asked: Asked, told: Told) -> Told:
        is_early = world.inside.gateway.now_s < 1
        return refusing_all(asked, told) if is_early else told

    world.change = exhausted

    assert of(world.probe(Feature.METHOD_THROTTLE), Verdict.FAILED) == {}


def test_an_event_that_is_acknowledged_and_lost_fails() -> None:
    world = World(answered(at("/events"), 202, TAKEN), without_gateway=True)

    failed = of(probes_of(world.probe(Feature.EVENTS)), Verdict.FAILED)

    assert "did not arrive" in failed["event-published"]


# The service itself lets nothing become a parameter, and would really wait for half a minute.
ADDED = [f for f in PROBES if f not in {Feature.MAPPING, Feature.TIMEOUT_29_S}]


@pytest.mark.parametrize("feature", ADDED)
def test_the_service_alone_has_none_of_it(feature: Feature) -> None:
    checks = World(without_gateway=True).probe(feature)

    assert of(probes_of(checks), Verdict.FAILED)


@pytest.mark.parametrize("feature", [Feature.API_KEY, Feature.AUTHORIZER, Feature.EVENTS])
def test_without_an_account_what_only_it_knows_is_skipped_with_the_reason(feature: Feature) -> None:
    checks = World(known=False).probe(feature)

    reasons = of(probes_of(checks), Verdict.SKIPPED)
    assert set(reasons.values()) == {"the account behind the service is not known"}


def test_what_the_account_refuses_to_say_fails_the_check_and_no_other() -> None:
    class Closed(InsideInMemory):
        def secret(self, which: Secret) -> str:
            raise StackError(f"{which} cannot be read")

    checks = World(inside_of=Closed).probe(Feature.AUTHORIZER)

    assert of(checks, Verdict.FAILED) == {"token-right": "token cannot be read"}


def test_what_takes_long_is_skipped_unless_asked_for() -> None:
    checks = World(slow=False).probe(Feature.TIMEOUT_29_S, Feature.CACHE)

    skipped = of(probes_of(checks), Verdict.SKIPPED)
    assert skipped["too-late"] == "takes about 29 s; --slow makes it"
    assert skipped.keys() == {"too-late", "cache-expires"}


def test_a_cache_that_is_switched_off_is_said() -> None:
    checks = World(has_cache=False).probe(Feature.CACHE)

    assert set(of(probes_of(checks), Verdict.SKIPPED)) == {
        "cached",
        "cached-by-key",
        "cache-expires",
    }


def test_what_probes_send_is_looked_for_in_the_queue_with_all_the_rest() -> None:
    class Losing(MemoryQueue):
        async def send(self, message: Message) -> str:
            id_ = await super().send(message)
            if message.body == "validated":
                del self.messages[id_]
            return id_

    checks = World(queue=Losing()).probe(Feature.VALIDATION)

    assert list(of(checks, Verdict.FAILED)) == ["queued"]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.slug)
def test_what_a_variant_adds_is_probed(variant: Variant) -> None:
    assert variant.features <= PROBES.keys()


def test_every_feature_has_probes_with_names_of_their_own() -> None:
    assert set(Feature) == PROBES.keys()
    assert sum(map(len, PROBES.values())) == len(FEATURE_OF)
    assert json.dumps(sorted(FEATURE_OF))
