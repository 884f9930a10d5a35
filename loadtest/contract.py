"""The promise of the API as one list of checks: the same for tests in memory and deployments.

A check asks the service something and fails with the reason when the answer is not what was
promised. Its docstring is the promise.
"""

import string

import httpx2

from loadtest.examination import JSON, Examine, Service, claim, claim_refusal, read
from loadtest.hindsight import LOOKING_BACK
from loadtest.openapi import Document
from loadtest.scenarios import IDEMPOTENCY_KEY

# The smallest limit along the nine ways: Step Functions' input (see app/messages.py).
MAX_BODY_BYTES = 262_144
# A whole request; any message fits, however its characters are escaped.
MAX_REQUEST_BYTES = 524_288
MAX_ATTRIBUTES = 7
MAX_KEY_CHARS = 128

ROUTES = ("/messages", "/healthz", "/readyz", "/whoami", "/work", "/wait", "/stats")


async def liveness(service: Service) -> None:
    """/healthz answers 200."""
    read(await service.get("/healthz"))


async def readiness(service: Service) -> None:
    """/readyz answers 200: the queue can be reached."""
    read(await service.get("/readyz"))


async def identity(service: Service) -> None:
    """/whoami names the variant and the copy that answers."""
    answer = read(await service.get("/whoami"))
    wanted = service.variant
    claim(
        wanted is None or answer.get("variant") == wanted,
        f"it calls itself {answer.get('variant')!r} instead of {wanted!r}",
    )
    claim(
        answer.get("compute") in {"instance", "container", "lambda"},
        f"compute is {answer.get('compute')!r}",
    )
    for name in ("compute_id", "version", "python"):
        claim(bool(answer.get(name)), f"{name} is missing")
    claim(isinstance(answer.get("cold_start"), bool), "cold_start is no yes or no")
    claim(isinstance(answer.get("up_s"), int | float), "up_s is no number")


async def openapi(service: Service) -> None:
    """/openapi.json is served, has every route, and promises what the one document does."""
    document = read(await service.get("/openapi.json"))
    claim(str(document.get("openapi", "")).startswith("3."), "it is no OpenAPI 3 document")
    missing = [route for route in ROUTES if route not in document.get("paths", {})]
    claim(not missing, f"it lacks {', '.join(missing)}")
    ours = Document.ours()
    for path in ROUTES:
        for method, operation in document["paths"][path].items():
            more = operation["responses"].keys() - ours.promises(method, path).keys()
            claim(not more, f"{method.upper()} {path} may answer {sorted(more)}, unlike ours")


async def docs(service: Service) -> None:
    """/docs is a page for people."""
    kind = (await service.get("/docs")).headers.get("content-type", "")
    claim(kind.startswith("text/html"), f"it is {kind or 'untyped'}, not text/html")


async def sending(service: Service) -> None:
    """POST /messages answers 202 with an id of its own for each message."""
    ids = [read(await service.post({"body": "hello"})).get("id") for _ in range(2)]
    claim(all(isinstance(id_, str) and id_ for id_ in ids), f"the ids are {ids!r}")
    claim(ids[0] != ids[1], "two messages got the same id")


async def idempotency_key(service: Service) -> None:
    """POST /messages takes an Idempotency-Key of up to 128 characters."""
    key = (string.ascii_letters + string.digits + "-_/:. ~") * 2
    await service.post({"body": "hello"}, headers={IDEMPOTENCY_KEY: key[:MAX_KEY_CHARS]})


async def long_idempotency_key(service: Service) -> None:
    """An Idempotency-Key of 129 characters is refused with 422, naming it."""
    headers = {IDEMPOTENCY_KEY: "k" * (MAX_KEY_CHARS + 1)}
    response = await service.post({"body": "hello"}, headers=headers, expect=422)
    claim_refusal(response, field_=IDEMPOTENCY_KEY)


async def longest_body(service: Service) -> None:
    """A body of 262,144 bytes is taken."""
    await service.post({"body": "x" * MAX_BODY_BYTES})


async def longer_body(service: Service) -> None:
    """A body of one byte more is refused with 422, naming it."""
    response = await service.post({"body": "x" * (MAX_BODY_BYTES + 1)}, expect=422)
    claim_refusal(response, field_="body")


async def longer_in_bytes(service: Service) -> None:
    """The limit counts bytes, not characters."""
    response = await service.post({"body": "ä" * (MAX_BODY_BYTES // 2 + 1)}, expect=422)
    claim_refusal(response, field_="body")


async def empty_body(service: Service) -> None:
    """An empty body is refused with 422, naming it."""
    claim_refusal(await service.post({"body": ""}, expect=422), field_="body")


async def missing_body(service: Service) -> None:
    """A message without body is refused with 422, naming it."""
    claim_refusal(await service.post({}, expect=422), field_="body")


async def body_of_another_type(service: Service) -> None:
    """A body that is no string is refused with 422, naming it."""
    claim_refusal(await service.post({"body": 7}, expect=422), field_="body")


async def too_many_attributes(service: Service) -> None:
    """An eighth attribute is refused with 422, naming attributes."""
    attributes = {f"a{n}": "x" for n in range(MAX_ATTRIBUTES + 1)}
    response = await service.post({"body": "hello", "attributes": attributes}, expect=422)
    claim_refusal(response, field_="attributes")


async def not_json(service: Service) -> None:
    """Text that is no JSON is refused with 422."""
    response = await service.ask(
        "POST", "/messages", expect=422, content='{"body": ', headers={"content-type": JSON}
    )
    claim_refusal(response)


async def another_media_type(service: Service) -> None:
    """Another media type is refused with 415."""
    response = await service.ask(
        "POST",
        "/messages",
        expect=415,
        content='{"body": "hello"}',
        headers={"content-type": "text/plain"},
    )
    claim_refusal(response)


async def large_request(service: Service) -> None:
    """A request of more than 524,288 bytes is refused with 413."""
    claim_refusal(await service.post({"body": "x" * MAX_REQUEST_BYTES}, expect=413))


async def unknown_path(service: Service) -> None:
    """A path that does not exist answers 404."""
    claim_refusal(await service.get("/no-such-path", expect=404))


async def wrong_method(service: Service) -> None:
    """A method that a path does not have answers 405 and says which it has."""
    response = await service.ask("DELETE", "/messages", expect=405)
    claim_refusal(response)
    allowed = response.headers.get("allow", "")
    claim("POST" in allowed, f"the Allow header is {allowed!r}, without POST")


async def work(service: Service) -> None:
    """/work uses the CPU as long as asked."""
    claim_ms(await service.get("/work", params={"ms": 2}), 2)


async def wait(service: Service) -> None:
    """/wait waits as long as asked."""
    claim_ms(await service.get("/wait", params={"ms": 2}), 2)


def claim_ms(response: httpx2.Response, asked: float) -> None:
    """Fail unless the answer says that it took that long."""
    spent = read(response).get("ms")
    claim(isinstance(spent, int | float) and spent >= asked, f"it took {spent!r} ms")


async def bad_parameter(service: Service) -> None:
    """A parameter that is no number is refused with 422, naming it."""
    claim_refusal(await service.get("/work", params={"ms": "soon"}, expect=422), field_="ms")


async def stats(service: Service) -> None:
    """/stats counts the messages in the queue."""
    answer = read(await service.get("/stats"))
    claim(isinstance(answer.get("visible"), int), f"visible is {answer.get('visible')!r}")


async def request_id(service: Service) -> None:
    """A caller's own X-Request-Id comes back with the answer, and with a refusal."""
    own = {"x-request-id": "nineways-verify"}
    answers = (
        await service.post({"body": "named by who sent it"}, headers=own),
        await service.ask("PUT", "/messages", headers=own, expect=405),
    )
    for answer in answers:
        kept = answer.headers.get("x-request-id")
        claim(
            kept == own["x-request-id"],
            f"with {answer.status_code} the caller's own id came back as {kept!r}",
        )


ASKING: tuple[Examine, ...] = (
    liveness,
    readiness,
    identity,
    openapi,
    docs,
    request_id,
    sending,
    idempotency_key,
    long_idempotency_key,
    longest_body,
    longer_body,
    longer_in_bytes,
    empty_body,
    missing_body,
    body_of_another_type,
    too_many_attributes,
    not_json,
    another_media_type,
    large_request,
    unknown_path,
    wrong_method,
    work,
    wait,
    bad_parameter,
    stats,
)
CHECKS = (*ASKING, *LOOKING_BACK)
