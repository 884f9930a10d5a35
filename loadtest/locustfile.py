"""The load, as Locust runs it: `locust -f loadtest/locustfile.py --host URL`.

Without `--rate` or `--shape` it is the closed loop Locust's users know: each user sends at most
one request a second. With one of them the requests are due at fixed moments, latency counts from
the moment a request was due, and `--samples` keeps every one of them: this is how `nineways
compare` and `nineways load` call it.

Importing locust changes sockets and threads of the whole process (gevent), so nothing else of
the project imports this module.
"""

import itertools
import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import gevent
from gevent.pool import Pool
from geventhttpclient import HTTPClient
from locust import FastHttpUser, User, constant_throughput, events, stats, task

from loadtest import shapes
from loadtest.arrivals import Arrivals, dispatch, schedule
from loadtest.resolver import HONEST, Habits, Resolver, resolver
from loadtest.resolver_gevent import ResolvedClients, resolved
from loadtest.samples import Sample, kept_in
from loadtest.scenarios import SCENARIOS, Leg, Request

if TYPE_CHECKING:
    from locust.env import Environment

# Requests without an answer at one time. More of them would only make a queue inside the
# generator: what is due then is recorded as an error.
MAX_IN_FLIGHT = 2000
CONNECT_TIMEOUT_S = 5.0
# One more than the 29 s after which API Gateway gives up, so that the gateway answers first.
ANSWER_TIMEOUT_S = 30.0


def three_digits(milliseconds: float) -> float:
    """Round as far as figures can be told apart. Locust's own rounding makes 147 into 150."""
    return float(f"{milliseconds:.3g}")


# Locust declares whole milliseconds; its histogram takes any number.
stats.bucket_response_time = three_digits  # type: ignore[assignment]


def add_options(parser: ArgumentParser) -> None:
    """Add our options to Locust's; each can be set by an environment variable too."""
    group = parser.add_argument_group("nineways")

    def option(name: str, text: str, **more: Any) -> None:  # noqa: ANN401 - argparse's own types
        # `env_var` is an addition of ConfigArgParse, which Locust's parser is.
        group.add_argument(f"--{name}", env_var=f"NINEWAYS_LOAD_{name.upper()}", help=text, **more)

    option("scenario", "What is sent", choices=list(SCENARIOS), default="send")
    option("rate", "Requests a second, whatever the answers do (open loop)", type=float)
    option("shape", "Instead of --rate, one that changes: step:20:200@30; loadtest/shapes.py")
    option("seconds", "How long to offer that rate", type=float, default=10.0)
    option("arrivals", "How they are spaced", choices=list(Arrivals), default=Arrivals.POISSON)
    option("seed", "Of the Poisson arrivals", type=int, default=1)
    option("run", "Name of the run; its messages carry it", default="by-hand")
    option("target", "Name of what is loaded", default="target")
    option("round", "Number of the round", type=int, default=1)
    option("samples", "File that receives every request (CSV)", type=Path)
    option("dns", "Name server to ask instead of the system's, such as 127.9.0.53:5353")
    option("habits", "With --dns, of: cache, retry, keep-alive", default=HONEST)
    option("clients", "With --dns, how many, each with a cache of its own", type=int, default=20)


def choose_loop(environment: "Environment", **_: object) -> None:
    """Let one of the two user classes run, according to `--rate` and `--shape`."""
    options = environment.parsed_options
    is_open = options and (options.rate or options.shape)
    environment.user_classes = [OpenLoop if is_open else ClosedLoop]


# Locust has types, but not for its hooks.
events.init_command_line_parser.add_listener(add_options)  # type: ignore[no-untyped-call]
events.init.add_listener(choose_loop)  # type: ignore[no-untyped-call]


class ClosedLoop(FastHttpUser):
    """A user who waits for each answer: `-u 40` is at most 40 requests a second."""

    wait_time = constant_throughput(1)
    numbers = itertools.count()

    def __init__(self, environment: "Environment") -> None:
        super().__init__(environment)
        options = environment.parsed_options
        if options and options.dns:
            agent = self.client.client
            names = resolver(options.dns, Habits.of(options.habits))
            agent.clientpool = ResolvedClients(names, **agent.clientpool.client_args)

    def on_start(self) -> None:
        """Read what to send."""
        options = self.environment.parsed_options
        self.scenario = SCENARIOS[options.scenario]
        self.leg = Leg(options.run, options.target, options.round)

    @task
    def ask(self) -> None:
        """Send the next request of the scenario."""
        request = self.scenario(self.leg, next(self.numbers))
        with self.client.request(
            request.method,
            request.path,
            data=request.body,
            headers=request.headers,
            name=request.path,
            catch_response=True,
        ) as response:
            if response.status_code != request.expect:
                response.failure(f"{response.status_code} instead of {request.expect}")


class OpenLoop(User):
    """One dispatcher; each arrival is a greenlet of its own."""

    fixed_count = 1

    @task
    def offer(self) -> None:
        """Offer the whole schedule, wait for the last answers, keep the samples, end the test."""
        options = self.environment.parsed_options
        scenario, leg = SCENARIOS[options.scenario], Leg(options.run, options.target, options.round)
        sender = Sender(self.environment.host, resolvers(options))
        # The very first request resolves names and starts threads, in here: not the service's time.
        sender.send(Request("GET", "/healthz", expect=200), n=-1, intended=time.perf_counter())
        flying = Pool()

        def start(n: int, intended: float) -> None:
            flying.spawn(arrive, scenario(leg, n), n, intended)

        def arrive(request: Request, n: int, intended: float) -> None:
            sample = sender.send(request, n, intended)
            keep(sample)
            self.tell_locust(request, sample)

        with kept_in(options.samples or Path(os.devnull)) as keep:
            dispatch(due(options), start, clock=time.perf_counter, sleep=gevent.sleep)
            flying.join()
        self.environment.runner.quit()

    def tell_locust(self, request: Request, sample: Sample) -> None:
        """Feed Locust's own statistics with the latency from the intended start."""
        self.environment.events.request.fire(
            request_type=request.method,
            name=request.path,
            response_time=sample.latency_ms,
            response_length=0,
            exception=None if sample.ok else RuntimeError(sample.error),
            context={},
        )


def due(options: Any) -> list[float]:  # noqa: ANN401 - Locust's own
    """When each request is due."""
    seconds = options.seconds
    if options.shape:
        return shapes.schedule(shapes.parse(options.shape), seconds=seconds)
    arrivals = Arrivals(options.arrivals)
    return schedule(arrivals, rate=options.rate, seconds=seconds, seed=options.seed)


def resolvers(options: Any) -> list[Resolver]:  # noqa: ANN401 - Locust's own
    """Make one for each client with a cache of its own; none when the system is asked."""
    habits, count = Habits.of(options.habits), max(1, options.clients) if options.dns else 0
    return [resolver(options.dns, habits) for _ in range(count)]


def client_of(host: str) -> HTTPClient:
    """Make a client with as many kept-alive connections as are needed at once."""
    return HTTPClient.from_url(
        host,
        concurrency=MAX_IN_FLIGHT,
        connection_timeout=CONNECT_TIMEOUT_S,
        network_timeout=ANSWER_TIMEOUT_S,
    )


class Sender:
    """Sends requests: as one client, or in turns as several who look up names themselves."""

    def __init__(self, host: str, resolvers: Sequence[Resolver] = ()) -> None:
        self.prefix = urlsplit(host).path.rstrip("/")
        alone = [] if resolvers else [client_of(host)]
        self.clients = [*alone, *(resolved(client_of(host), names) for names in resolvers)]
        self.in_flight = 0
        # Spans are measured with the clock that never jumps, moments told in the wall's time.
        self.epoch = time.time() - time.perf_counter()

    def send(self, request: Request, n: int, intended: float) -> Sample:
        """Send one request; whatever goes wrong becomes part of the sample."""
        started = time.perf_counter()
        status, answer, error = 0, b"", ""
        if self.in_flight >= MAX_IN_FLIGHT:
            error = f"not sent: {MAX_IN_FLIGHT} requests without an answer"
        else:
            self.in_flight += 1
            try:
                response = self.clients[n % len(self.clients)].request(
                    request.method, self.prefix + request.path, request.body, request.headers
                )
                status, answer = response.status_code, bytes(response.read())
            except Exception as problem:  # noqa: BLE001 - a result of the measurement
                error = f"{type(problem).__name__}: {problem}"
            finally:
                self.in_flight -= 1
        ended = time.perf_counter()
        told = said(answer)
        if status and status != request.expect:
            error = f"status {status} {told.get('error', {}).get('code', '')}".strip()
        return Sample(
            n=n,
            name=request.name,
            intended_s=self.epoch + intended,
            started_s=self.epoch + started,
            latency_ms=(ended - intended) * 1000,
            status=status,
            ok=status == request.expect,
            message_id=str(told.get("id", "")),
            compute_id=str(told.get("compute_id", "")),
            cold=bool(told.get("cold_start", False)),
            error=error,
        )


def said(answer: bytes) -> dict[str, Any]:
    """The answer's JSON object; empty when it is none."""
    try:
        parsed = json.loads(answer)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
