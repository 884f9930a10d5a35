"""The contract held against the service in memory, and proof that each check can fail."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import httpx2
import pytest
from starlette.types import ASGIApp

from app import messages, schemas
from app.api import create_app
from app.identity import Identity
from app.messages import Message
from deploy.catalog import VARIANTS
from deploy.model import Variant
from loadtest import contract, hindsight
from loadtest.examination import Examine, Service, examine, name_of
from loadtest.run import Check, Verdict
from tests.unit.loadtest.fakes import Asked, Break, Broken, MemoryProbe, MemoryQueue, Told

HERE = Identity("local", "dev", "instance", "i-1")


def verify(  # noqa: PLR0913 - what a test may choose
    app: ASGIApp,
    queue: MemoryQueue,
    *,
    variant: str = "local",
    known_queue: bool = True,
    not_promised: Mapping[str, str] | None = None,
    checks: Sequence[Examine] = contract.CHECKS,
) -> list[Check]:
    async def run() -> list[Check]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
            probe = MemoryProbe(queue) if known_queue else None
            service = Service(client, variant, probe, not_promised=not_promised or {})
            return await examine(service, checks)

    return asyncio.run(run())


def failed(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.reason for check in checks if check.verdict is Verdict.FAILED}


def test_the_service_keeps_the_contract() -> None:
    queue = MemoryQueue()

    checks = verify(create_app(queue, HERE), queue)

    assert failed(checks) == {}
    assert {check.verdict for check in checks} == {Verdict.PASSED}


def test_what_verification_sent_is_taken_out_of_the_queue_again() -> None:
    queue = MemoryQueue()

    verify(create_app(queue, HERE), queue)

    assert queue.messages == {}


def test_the_limits_are_those_of_the_service() -> None:
    assert contract.MAX_BODY_BYTES == messages.MAX_BODY_BYTES
    assert contract.MAX_REQUEST_BYTES == schemas.MAX_REQUEST_BYTES
    assert contract.MAX_ATTRIBUTES == messages.MAX_ATTRIBUTES


def test_without_a_known_queue_the_look_into_it_is_skipped_with_the_reason() -> None:
    queue = MemoryQueue()

    checks = verify(create_app(queue, HERE), queue, known_queue=False)

    skipped = {check.name: check.reason for check in checks if check.verdict is Verdict.SKIPPED}
    unknown = "the queue behind the service is not known"
    assert skipped == {"queued": unknown, "traced": unknown}


When = Callable[[Asked], bool]


def answer(when: When, change: Callable[[Told], Told]) -> Break:
    """Change the answers to some requests."""
    return lambda asked, told: change(told) if when(asked) else told


def at(path: str) -> When:
    return lambda asked: asked.path == path


def posting(condition: Callable[[Asked], bool]) -> When:
    return lambda asked: asked.method == "POST" and condition(asked)


def status(code: int) -> Callable[[Told], Told]:
    return lambda told: told.with_json(
        code, {"error": {"code": "x", "message": "x", "field": "x"}, "request_id": "x"}
    )


def taken(told: Told) -> Told:
    return told.with_json(202, {"id": "m-1"})


def member(name: str, value: object) -> Callable[[Told], Told]:
    return lambda told: told.with_json(told.status, {**json.loads(told.body), name: value})


def header(name: str, value: str) -> Callable[[Told], Told]:
    return lambda told: replace(told, headers={**told.headers, name: value})


def without_header(name: str) -> Callable[[Told], Told]:
    return lambda told: replace(told, headers={n: v for n, v in told.headers.items() if n != name})


def without_route(told: Told) -> Told:
    document = json.loads(told.body)
    del document["paths"]["/wait"]
    return told.with_json(200, document)


def key_chars(asked: Asked) -> int:
    return len(asked.headers.get("idempotency-key", ""))


def sent(asked: Asked) -> dict[str, object]:
    """The message in a request, empty when it is none."""
    try:
        return dict(json.loads(asked.body))
    except ValueError:
        return {}


def body(asked: Asked) -> str:
    return str(sent(asked).get("body", "no body"))


def is_json(asked: Asked) -> bool:
    return asked.headers["content-type"] == "application/json"


LIMIT = contract.MAX_BODY_BYTES

# For each check: what is done to a good service so that this promise, and no other, is broken.
SABOTAGE: Mapping[str, Break] = {
    "liveness": answer(at("/healthz"), status(503)),
    "readiness": answer(at("/readyz"), status(503)),
    "identity": answer(at("/whoami"), member("variant", "another")),
    "openapi": answer(at("/openapi.json"), without_route),
    "docs": answer(at("/docs"), header("content-type", "text/plain")),
    "request-id": answer(lambda a: a.method == "PUT", header("x-request-id", "always-this")),
    "sending": answer(
        posting(lambda a: is_json(a) and sent(a) == {"body": "hello"} and not key_chars(a)), taken
    ),
    "idempotency-key": answer(posting(lambda a: key_chars(a) == 128), status(422)),
    "long-idempotency-key": answer(posting(lambda a: key_chars(a) == 129), taken),
    "longest-body": answer(posting(lambda a: len(body(a)) == LIMIT), status(422)),
    "longer-body": answer(posting(lambda a: len(body(a)) == LIMIT + 1), taken),
    "longer-in-bytes": answer(posting(lambda a: body(a).startswith("ää")), taken),
    "empty-body": answer(posting(lambda a: not body(a)), taken),
    "missing-body": answer(posting(lambda a: a.body == b"{}"), taken),
    "body-of-another-type": answer(posting(lambda a: body(a) == "7"), taken),
    "too-many-attributes": answer(posting(lambda a: "a7" in str(sent(a).get("attributes"))), taken),
    "not-json": answer(posting(lambda a: a.body == b'{"body": '), status(400)),
    "another-media-type": answer(posting(lambda a: not is_json(a)), status(422)),
    "large-request": answer(
        posting(lambda a: int(a.headers["content-length"]) > 2 * LIMIT), status(422)
    ),
    "unknown-path": answer(at("/no-such-path"), header("content-type", "text/plain")),
    "wrong-method": answer(lambda a: a.method == "DELETE", header("allow", "GET")),
    "work": answer(lambda a: a.query == "ms=2" and a.path == "/work", member("ms", 1)),
    "wait": answer(at("/wait"), member("ms", 0.5)),
    "bad-parameter": answer(lambda a: a.query == "ms=soon", status(422)),
    "stats": answer(at("/stats"), member("visible", None)),
    "traced": answer(
        posting(lambda a: sent(a).get("body") == "hello"), header("x-request-id", "another")
    ),
    "named": answer(at("/healthz"), without_header("x-request-id")),
    "refused-alike": answer(
        lambda a: a.method == "PUT", member("error", {"code": "", "message": "x"})
    ),
    "kept-document": answer(at("/stats"), member("in_flight", "many")),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_broken_promise_fails_its_check_and_no_other(name: str) -> None:
    queue = MemoryQueue()

    checks = verify(Broken(create_app(queue, HERE), SABOTAGE[name]), queue)

    assert list(failed(checks)) == [name], failed(checks)


def test_every_check_is_seen_to_fail() -> None:
    assert {*SABOTAGE, "queued"} == {name_of(check) for check in contract.CHECKS}


class Mangling(MemoryQueue):
    async def send(self, message: Message) -> str:
        return await super().send(replace(message, body=message.body.replace("&", "&amp;")))


class Losing(MemoryQueue):
    async def send(self, message: Message) -> str:
        id_ = await super().send(message)
        del self.messages[id_]
        return id_


class Stripping(MemoryQueue):
    async def send(self, message: Message) -> str:
        return await super().send(replace(message, attributes={}))


@pytest.mark.parametrize(
    ("queue", "reason", "also"),
    [
        (Mangling(), "the body arrived as", []),
        (Losing(), "A worker that consumes the queue takes them first", []),
        (Stripping(), "the attribute colour arrived as None", ["traced"]),
    ],
)
def test_a_message_that_does_not_arrive_as_it_was_sent_fails(
    queue: MemoryQueue, reason: str, also: list[str]
) -> None:
    checks = verify(create_app(queue, HERE), queue)

    assert list(failed(checks)) == ["queued", *also]
    assert reason in failed(checks)["queued"]


def test_what_is_not_promised_is_said_and_fails_nothing() -> None:
    queue = MemoryQueue()
    missing = answer(
        at("/docs"), lambda told: header("content-type", "application/json")(status(404)(told))
    )
    broken = Broken(create_app(queue, HERE), missing)

    checks = verify(broken, queue, not_promised={"docs": "nobody reads", "work": "no compute"})

    told = {check.name: check for check in checks}
    assert failed(checks) == {}
    assert told["docs"].verdict is Verdict.NOT_PROMISED
    assert told["docs"].reason == "nobody reads"
    # A promise that is kept although nobody asked for it is fine.
    assert told["work"].verdict is Verdict.PASSED


def test_a_service_that_describes_itself_otherwise_fails() -> None:
    def with_teapot(told: Told) -> Told:
        document = json.loads(told.body)
        document["paths"]["/whoami"]["get"]["responses"]["418"] = {"description": "short and stout"}
        return told.with_json(200, document)

    queue = MemoryQueue()
    broken = Broken(create_app(queue, HERE), answer(at("/openapi.json"), with_teapot))

    assert failed(verify(broken, queue)) == {
        "openapi": "GET /whoami may answer ['418'], unlike ours"
    }


def test_what_is_not_promised_must_still_be_documented() -> None:
    queue = MemoryQueue()
    broken = Broken(create_app(queue, HERE), SABOTAGE["docs"])

    checks = verify(broken, queue, not_promised={"docs": "nobody reads"})

    assert failed(checks) == {"kept-document": "GET /docs: text/plain is not documented"}


async def lenient(service: Service) -> None:
    """A message is refused."""
    await service.post({"body": "taken all the same"}, expect=422)


def test_what_a_failed_check_sent_does_not_stay_in_the_queue() -> None:
    queue = MemoryQueue()

    checks = verify(create_app(queue, HERE), queue, checks=(lenient, hindsight.queued))

    assert list(failed(checks)) == ["lenient"]
    assert queue.messages == {}


CONTRACT = {check.__name__ for check in contract.CHECKS}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.slug)
def test_what_a_variant_does_not_promise_are_checks_with_reasons(variant: Variant) -> None:
    assert variant.not_promised.keys() <= CONTRACT
    assert all(variant.not_promised.values())


def test_a_service_that_does_not_answer_fails_with_the_reason() -> None:
    async def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused")

    async def run() -> list[Check]:
        transport = httpx2.MockTransport(refuse)
        async with httpx2.AsyncClient(transport=transport, base_url="http://nobody") as client:
            return await examine(Service(client), [contract.liveness])

    (check,) = asyncio.run(run())

    assert check.verdict is Verdict.FAILED
    assert check.reason == "GET /healthz: no answer (ConnectError connection refused)"
