"""A web ACL: planted attacks are turned away, and what only looks a little like one is not.

The rate rule is not set off: it would shut out for minutes whoever verifies.
"""

from loadtest.examination import Examine, Service, claim, media_type
from loadtest.hindsight import PAGE

SQL = (
    "1' OR '1'='1' --",
    "0 UNION SELECT name, password FROM users --",
    "7; DROP TABLE messages; --",
)
SCRIPT = (
    "<script>alert(document.cookie)</script>",
    '<img src="x" onerror="alert(1)">',
)
INNOCENT = (
    "O'Brien & sons: select a cup, drop by",
    "1 < 2 and 3 > 2, so the union of both sets holds",
    "tea -- the green one; price = 4",
)


async def sql_in_query(service: Service) -> None:
    """SQL planted in a query string is refused with 403."""
    await claim_turned_away_in_query(service, SQL)


async def sql_in_body(service: Service) -> None:
    """SQL planted in a message is refused with 403."""
    await claim_turned_away_in_body(service, SQL)


async def script_in_query(service: Service) -> None:
    """A script planted in a query string is refused with 403."""
    await claim_turned_away_in_query(service, SCRIPT)


async def script_in_body(service: Service) -> None:
    """A script planted in a message is refused with 403."""
    await claim_turned_away_in_body(service, SCRIPT)


async def innocents_pass(service: Service) -> None:
    """Text that only reminds of an attack passes, in a query string and in a message."""
    for text in INNOCENT:
        await service.get("/healthz", params={"q": text})
        await service.post({"body": text})


PROBES: tuple[Examine, ...] = (
    sql_in_query,
    sql_in_body,
    script_in_query,
    script_in_body,
    innocents_pass,
)


async def claim_turned_away_in_query(service: Service, attacks: tuple[str, ...]) -> None:
    """Fail unless each is refused by the balancer."""
    for attack in attacks:
        answer = await service.get("/healthz", params={"q": attack}, expect=403)
        claim(media_type(answer) == PAGE, "it was not the balancer that refused")


async def claim_turned_away_in_body(service: Service, attacks: tuple[str, ...]) -> None:
    """Fail unless each is refused by the balancer."""
    for attack in attacks:
        answer = await service.post({"body": attack}, expect=403)
        claim(media_type(answer) == PAGE, "it was not the balancer that refused")
