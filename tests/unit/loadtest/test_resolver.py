from dataclasses import dataclass, field
from itertools import cycle, islice

import pytest

from deploy.errors import BadInputError
from deploy.lab.edge.dns.stub import Addresses, LookUpFailedError
from loadtest.resolver import Attempt, Habits, Resolver, resolver
from tests.unit.deploy.clock import Clock

NAME = "app.lab.test"
SERVER = ("127.9.0.53", 5353)


@dataclass
class NameServer:
    """Answers what a test says, and counts."""

    addresses: tuple[str, ...] = ("one", "two")
    ttl_s: float = 10
    failures: list[LookUpFailedError] = field(default_factory=list)
    asked: int = 0

    def look_up(self, name: str) -> Addresses:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        assert name == NAME
        return Addresses(self.addresses, self.ttl_s)


@pytest.fixture
def server() -> NameServer:
    return NameServer()


@pytest.fixture
def clock() -> Clock:
    return Clock(100)


def first(resolver: Resolver) -> str:
    return next(resolver.attempts(NAME)).address


def silence() -> LookUpFailedError:
    return LookUpFailedError(NAME, "no answer", server=SERVER, may_pass=True)


def test_a_cache_keeps_an_answer_for_its_ttl_and_no_longer(
    server: NameServer, clock: Clock
) -> None:
    resolver = Resolver(server.look_up, Habits(cache=True), clock=clock.now)
    assert first(resolver) == "one"
    server.addresses = ("two",)

    clock.sleep(9.9)
    assert (first(resolver), server.asked) == ("one", 1)
    clock.sleep(0.1)
    assert (first(resolver), server.asked) == ("two", 2)


def test_without_a_cache_every_connection_asks(server: NameServer, clock: Clock) -> None:
    resolver = Resolver(server.look_up, Habits(cache=False), clock=clock.now)
    assert first(resolver) == "one"
    server.addresses = ("two",)

    assert (first(resolver), server.asked, resolver.asked) == ("two", 2, 2)


def test_a_ttl_of_zero_is_not_kept(server: NameServer, clock: Clock) -> None:
    server.ttl_s = 0
    resolver = Resolver(server.look_up, Habits(cache=True), clock=clock.now)

    assert [first(resolver), first(resolver)] == ["one", "one"]
    assert server.asked == 2


def test_the_ttl_counts_from_the_question(server: NameServer, clock: Clock) -> None:
    def slowly(name: str) -> Addresses:
        clock.sleep(2)
        return server.look_up(name)

    resolver = Resolver(slowly, clock=clock.now)

    assert next(resolver.attempts(NAME)) == Attempt("one", use_until_s=110)


@pytest.mark.parametrize(
    ("habits", "use_until_s"),
    [
        (Habits(cache=True, keep_alive=False), 110),
        (Habits(cache=False, keep_alive=False), 100),
        (Habits(cache=True, keep_alive=True), float("inf")),
        (Habits(cache=False, keep_alive=True), float("inf")),
    ],
)
def test_a_connection_lives_as_long_as_its_answer_unless_it_is_kept_alive(
    server: NameServer, clock: Clock, habits: Habits, use_until_s: float
) -> None:
    attempt = next(Resolver(server.look_up, habits, clock=clock.now).attempts(NAME))

    assert attempt.use_until_s == use_until_s


@pytest.mark.parametrize("cache", [True, False])
def test_who_retries_tries_all_addresses_then_asks_again_and_tries_the_new_ones(
    server: NameServer,
    clock: Clock,
    cache: bool,  # noqa: FBT001 - a parameter
) -> None:
    resolver = Resolver(server.look_up, Habits(cache=cache, retry=True), clock=clock.now)

    attempts = resolver.attempts(NAME)
    tried = [next(attempts).address, next(attempts).address]
    server.addresses = ("two", "three")
    tried += [attempt.address for attempt in attempts]

    assert tried == ["one", "two", "three"]
    assert server.asked == 2


def test_who_does_not_retry_tries_one_address(server: NameServer, clock: Clock) -> None:
    resolver = Resolver(server.look_up, Habits(retry=False), clock=clock.now)

    assert [attempt.address for attempt in resolver.attempts(NAME)] == ["one"]
    assert server.asked == 1


def test_who_retries_asks_a_silent_server_again(server: NameServer) -> None:
    server.failures = [silence()]

    assert first(Resolver(server.look_up, Habits(retry=True))) == "one"


def test_who_does_not_retry_asks_once(server: NameServer) -> None:
    server.failures = [silence()]

    with pytest.raises(LookUpFailedError):
        first(Resolver(server.look_up, Habits(retry=False)))


def test_a_server_that_stays_silent_is_given_up(server: NameServer) -> None:
    server.failures = [silence() for _ in range(9)]

    with pytest.raises(LookUpFailedError):
        first(Resolver(server.look_up, Habits(retry=True)))
    assert server.asked == 2


def test_a_name_that_does_not_exist_is_not_asked_for_again(server: NameServer) -> None:
    server.failures = [LookUpFailedError(NAME, "NXDOMAIN", server=SERVER)]

    with pytest.raises(LookUpFailedError):
        first(Resolver(server.look_up, Habits(retry=True)))
    assert server.asked == 1


def test_a_failure_is_not_kept(server: NameServer) -> None:
    resolver = Resolver(server.look_up, Habits(cache=True))
    server.failures = [LookUpFailedError(NAME, "NXDOMAIN", server=SERVER)]
    with pytest.raises(LookUpFailedError):
        first(resolver)

    assert first(resolver) == "one"


def test_an_address_is_not_looked_up(server: NameServer) -> None:
    [attempt] = Resolver(server.look_up).attempts("127.0.0.1")

    assert attempt == Attempt("127.0.0.1", use_until_s=float("inf"))
    assert server.asked == 0


def test_clients_with_caches_of_their_own_spread_over_the_addresses() -> None:
    turns = cycle([("one", "two"), ("two", "one")])
    clients = [Resolver(lambda _: Addresses(next(turns), 60)) for _ in range(10)]

    chosen = [first(client) for client in islice(cycle(clients), 100)]

    assert (chosen.count("one"), chosen.count("two")) == (50, 50)


def test_habits_are_read_from_a_list() -> None:
    assert Habits.of("cache, retry") == Habits()
    assert Habits.of("") == Habits(cache=False, retry=False, keep_alive=False)
    assert Habits.of("keep-alive").keep_alive
    with pytest.raises(BadInputError, match="'cash'"):
        Habits.of("cash,retry")


@pytest.mark.parametrize("text", ["", "localhost:53", "127.9.0.53:dns", "app.lab.test"])
def test_a_name_server_is_an_address(text: str) -> None:
    with pytest.raises(BadInputError, match="no name server"):
        resolver(text, Habits())


@pytest.mark.parametrize("text", ["127.9.0.53:5353", "127.9.0.53"])
def test_a_name_server_may_leave_out_the_usual_port(text: str) -> None:
    assert resolver(text, Habits()).habits == Habits()
