"""How long clients with different habits go on to an instance that DNS no longer names."""

import asyncio
from dataclasses import dataclass, field

import httpx2
import pytest

from deploy.lab.edge.dns.stub import Addresses
from loadtest.resolver import Habits, Resolver
from loadtest.resolver_httpx import ResolvedTransport
from tests.unit.deploy.clock import Clock

TTL_S = 10
OLD, NEW = "127.9.20.1", "127.9.20.2"


@dataclass
class World:
    """A name server and instances. Every request takes a second of a clock of its own."""

    named: tuple[str, ...] = (OLD,)
    running: set[str] = field(default_factory=lambda: {OLD, NEW})
    clock: Clock = field(default_factory=Clock)
    hosts: set[str] = field(default_factory=set)

    def look_up(self, _: str) -> Addresses:
        return Addresses(self.named, TTL_S)

    async def serve(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host not in self.running:
            raise httpx2.ConnectError("refused")
        self.hosts.add(request.headers["host"])
        return httpx2.Response(200, text=request.url.host)

    def client(self, habits: Habits) -> "Client":
        resolver = Resolver(self.look_up, habits, clock=self.clock.now)
        transport = ResolvedTransport(resolver, httpx2.MockTransport(self.serve))
        return Client(self, httpx2.AsyncClient(transport=transport))


@dataclass
class Client:
    world: World
    http: httpx2.AsyncClient

    def ask(self, times: int) -> list[str]:
        """Send requests a second apart; tell who answered, or that nobody did."""

        async def all_of_them() -> list[str]:
            answers = []
            for _ in range(times):
                try:
                    response = await self.http.get("http://app.lab.test:8080/whoami")
                except httpx2.ConnectError:
                    answers.append("failed")
                else:
                    answers.append(response.text)
                self.world.clock.sleep(1)
            return answers

        return asyncio.run(all_of_them())


@pytest.fixture
def world() -> World:
    return World()


def test_a_client_that_caches_goes_on_to_a_removed_instance_until_the_ttl_is_over(
    world: World,
) -> None:
    client = world.client(Habits(cache=True))
    assert client.ask(3) == [OLD] * 3

    world.named = (NEW,)

    assert client.ask(12) == [OLD] * 7 + [NEW] * 5


def test_a_client_that_does_not_cache_never_does(world: World) -> None:
    client = world.client(Habits(cache=False))
    assert client.ask(3) == [OLD] * 3

    world.named = (NEW,)

    assert client.ask(12) == [NEW] * 12


@pytest.mark.parametrize("cache", [True, False])
def test_a_client_that_keeps_connections_past_the_ttl_goes_on_for_ever(
    world: World,
    cache: bool,  # noqa: FBT001 - a parameter
) -> None:
    client = world.client(Habits(cache=cache, keep_alive=True))
    assert client.ask(3) == [OLD] * 3

    world.named = (NEW,)

    assert client.ask(100) == [OLD] * 100


def test_an_added_instance_is_found_when_the_ttl_is_over(world: World) -> None:
    client = world.client(Habits(cache=True))
    assert client.ask(1) == [OLD]

    world.named = (NEW, OLD)

    assert client.ask(10) == [OLD] * 9 + [NEW]


def test_a_dead_instance_costs_a_client_that_retries_nothing(world: World) -> None:
    world.named = (OLD, NEW)
    client = world.client(Habits(cache=True, retry=True))
    assert client.ask(2) == [OLD] * 2

    world.running = {NEW}

    assert client.ask(10) == [NEW] * 10


def test_a_dead_instance_costs_one_that_does_not_retry_all_requests_of_a_ttl(
    world: World,
) -> None:
    world.named = (OLD, NEW)
    client = world.client(Habits(cache=True, retry=False))
    assert client.ask(2) == [OLD] * 2

    world.running = {NEW}
    world.named = (NEW,)

    assert client.ask(10) == ["failed"] * 8 + [NEW] * 2


def test_who_retries_asks_anew_when_no_address_answers(world: World) -> None:
    client = world.client(Habits(cache=True, retry=True))
    assert client.ask(1) == [OLD]

    world.running = {NEW}
    world.named = (NEW,)

    assert client.ask(1) == [NEW]


def test_a_kept_connection_that_breaks_is_replaced_by_one_to_where_the_name_leads(
    world: World,
) -> None:
    client = world.client(Habits(cache=False, retry=False, keep_alive=True))
    assert client.ask(1) == [OLD]

    world.running = {NEW}
    world.named = (NEW,)

    assert client.ask(2) == [NEW] * 2


def test_the_service_sees_the_name_that_was_asked_for(world: World) -> None:
    world.client(Habits()).ask(1)

    assert world.hosts == {"app.lab.test:8080"}
