"""Clients with different habits against a real name server and real services."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from geventhttpclient import HTTPClient
from geventhttpclient.url import URL

from deploy.errors import BadInputError
from deploy.lab.edge.dns.answers import Known
from deploy.lab.edge.dns.zones import Record
from loadtest.resolver import Habits, Resolver, resolver
from loadtest.resolver_gevent import ResolvedClients, resolved
from loadtest.resolver_httpx import ResolvedTransport
from loadtest.samples import read_csv
from loadtest.targets import Target
from loadtest.verify import verify
from tests.contract.edge.dns_served import Served, Service
from tests.unit.deploy.clock import Clock
from tests.unit.edge.dns_zone import NAME, zone

OLD, NEW = "127.251.20.1", "127.251.20.2"
TTL_S = 10
LOCUSTFILE = Path(__file__).parents[3] / "loadtest" / "locustfile.py"


@dataclass
class World:
    """A zone with one name, and a service behind each of two addresses."""

    served: Served
    old: Service
    new: Service
    clock: Clock

    def name(self, *addresses: str) -> None:
        """Let the name lead to these."""
        records = [
            Record(NAME, "A", TTL_S, (address,), multivalue=True, set_id=address)
            for address in addresses
        ]
        self.served.known = Known((zone(*records),))

    @property
    def url(self) -> str:
        return f"http://app.lab.test:{self.old.port}"

    @property
    def dns(self) -> str:
        return "{}:{}".format(*self.served.place)

    def resolver(self, habits: Habits) -> Resolver:
        names = resolver(self.dns, habits)
        names.clock = self.clock.now
        return names

    def client(self, habits: Habits) -> HTTPClient:
        return resolved(HTTPClient.from_url(self.url), self.resolver(habits))


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        served = stack.enter_context(Served(Known()))
        old = Service(OLD)
        stack.callback(old.end)
        new = Service(NEW, old.port)
        stack.callback(new.end)
        world = World(served, old, new, Clock())
        world.name(OLD)
        yield world


def ask(client: HTTPClient, times: int = 1) -> list[str]:
    return [client.get("/whoami").read().decode() for _ in range(times)]


def test_locusts_client_goes_on_to_a_removed_instance_until_the_ttl_is_over(world: World) -> None:
    client = world.client(Habits(cache=True))
    assert ask(client, 3) == [OLD] * 3
    world.name(NEW)

    world.clock.sleep(TTL_S - 1)
    assert ask(client, 3) == [OLD] * 3
    world.clock.sleep(1)
    assert ask(client, 3) == [NEW] * 3
    client.close()


def test_without_a_cache_it_never_does(world: World) -> None:
    client = world.client(Habits(cache=False))
    assert ask(client, 3) == [OLD] * 3

    world.name(NEW)

    assert ask(client, 3) == [NEW] * 3
    client.close()


def test_keeping_connections_past_the_ttl_it_goes_on_until_they_break(world: World) -> None:
    client = world.client(Habits(cache=False, keep_alive=True))
    assert ask(client, 3) == [OLD] * 3
    world.name(NEW)

    world.clock.sleep(10 * TTL_S)
    assert ask(client, 3) == [OLD] * 3

    world.old.end()
    assert ask(client, 3) == [NEW] * 3
    client.close()


def test_a_connection_is_used_again_while_its_answer_holds(world: World) -> None:
    client = world.client(Habits(cache=True))

    ask(client, 5)

    assert len(world.old.open_connections) == 1
    client.close()


def test_a_dead_instance_is_passed_over_by_who_retries(world: World) -> None:
    world.name(OLD, NEW)
    world.old.end()

    client = world.client(Habits(cache=False, retry=True))
    assert ask(client, 20) == [NEW] * 20
    client.close()


def test_a_dead_instance_fails_who_does_not_retry(world: World) -> None:
    world.old.end()

    client = world.client(Habits(cache=True, retry=False))
    with pytest.raises(ConnectionRefusedError):
        ask(client)
    client.close()


def test_when_no_address_answers_the_name_is_asked_for_again(world: World) -> None:
    client = world.client(Habits(cache=True, retry=True))
    assert ask(client) == [OLD]

    world.old.end()
    world.name(NEW)

    assert ask(client) == [NEW]
    client.close()


def test_a_name_that_does_not_resolve_fails_the_request(world: World) -> None:
    world.served.known = Known((zone(),))

    client = world.client(Habits())
    with pytest.raises(OSError, match="NXDOMAIN"):
        ask(client)
    client.close()


def test_the_service_is_asked_under_its_name(world: World) -> None:
    client = world.client(Habits())
    ask(client)

    assert world.old.names == {f"app.lab.test:{world.old.port}"}
    client.close()


def test_a_users_clients_share_its_resolver(world: World) -> None:
    names = world.resolver(Habits(cache=True))
    clients = ResolvedClients(names)

    for _ in range(3):
        assert ask(clients.get_client(URL(world.url))) == [OLD]

    assert names.asked == 1
    clients.close()


def test_https_is_refused_rather_than_resolved_by_the_system(world: World) -> None:
    with pytest.raises(BadInputError, match="http only"):
        resolved(HTTPClient.from_url("https://app.lab.test"), world.resolver(Habits()))


def test_httpx_resolves_the_same_way(world: World) -> None:
    async def ask_twice() -> list[str]:
        transport = ResolvedTransport(world.resolver(Habits(cache=True)))
        async with httpx2.AsyncClient(transport=transport) as client:
            before = (await client.get(world.url)).text
            world.name(NEW)
            world.clock.sleep(TTL_S)
            return [before, (await client.get(world.url)).text]

    assert asyncio.run(ask_twice()) == [OLD, NEW]
    assert world.new.names == {f"app.lab.test:{world.new.port}"}


def test_a_service_is_verified_under_its_name(world: World) -> None:
    liveness, *_ = verify(Target("named", world.url, name_server=world.dns))

    assert liveness.reason == "the answer is untyped, not application/json"
    assert world.old.names == {f"app.lab.test:{world.old.port}"}


@pytest.mark.lab
def test_locust_spreads_over_all_addresses_with_as_many_clients(
    world: World, tmp_path: Path
) -> None:
    world.name(OLD, NEW)
    samples = tmp_path / "samples.csv"

    subprocess.run(
        [
            *(sys.executable, "-m", "locust", "--headless", "--only-summary", "--users=1"),
            *(f"--locustfile={LOCUSTFILE}", f"--host={world.url}", "--scenario=whoami"),
            *("--rate=100", "--seconds=2", f"--samples={samples}"),
            *(f"--dns={world.dns}", "--habits=cache,retry", "--clients=20"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )

    assert all(sample.ok for sample in read_csv(samples))
    assert world.old.requests + world.new.requests == 201  # and one to begin with
    # Twenty clients choose once each, by dice that always fall the same way.
    assert min(world.old.requests, world.new.requests) > 20


@pytest.mark.lab
def test_users_of_the_closed_loop_ask_the_name_server_too(world: World) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "locust", "--headless", "--only-summary", "--users=4"),
            *(f"--locustfile={LOCUSTFILE}", f"--host={world.url}", "--scenario=whoami"),
            *("--spawn-rate=4", "--run-time=2s", f"--dns={world.dns}"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )

    assert world.old.requests > 2
    assert world.old.names == {f"app.lab.test:{world.old.port}"}
