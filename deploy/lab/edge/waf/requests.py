"""A request as AWS WAF sees it, and what it says about one. Frozen values."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from deploy.lab.edge.wanted import Json

# AWS: "Considerations for managing body inspection in AWS WAF" (November 2026): fixed for an ALB.
BODY_LIMIT_BYTES = 8 * 1024
# AWS: "Oversize web request components in AWS WAF" (November 2026), for headers and cookies.
HEADERS_LIMIT = 200
HEADERS_LIMIT_BYTES = 8 * 1024


class UnsupportedError(Exception):
    """The lab's WAF does not do this; AWS WAF does, or may."""


def text(raw: bytes) -> str:
    """Bytes of a request as text, so that they can be made bytes again."""
    return raw.decode("utf-8", "surrogateescape")


def size(value: str) -> int:
    """How many bytes a text of a request was."""
    return len(value.encode("utf-8", "surrogateescape"))


@dataclass(frozen=True)
class Request:
    """What the load balancer hands over: the body only up to its limit.

    Header names are in lower case. `body_is_cut` says that there was more of the body.
    """

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    body_is_cut: bool = False
    client: str = "127.0.0.1"

    def header(self, name: str) -> str | None:
        """One header's value; None when it is missing."""
        return next((value for key, value in self.headers if key == name), None)

    def arguments(self) -> Iterator[tuple[str, str]]:
        """Names and values of the query, as sent."""
        for pair in self.query.split("&"):
            name, _, value = pair.partition("=")
            if pair:
                yield name, value

    def cookies(self) -> Iterator[tuple[str, str]]:
        """Names and values of the cookies."""
        for key, line in self.headers:
            for pair in line.split(";") if key == "cookie" else ():
                name, _, value = pair.strip().partition("=")
                yield name, value


def decoded(value: str) -> str:
    """A value of a query or a form, decoded as a server would."""
    return unquote_plus(value, errors="surrogateescape")


@dataclass(frozen=True)
class Reply:
    """What the client gets in place of the target's answer."""

    status: int = 403
    content_type: str | None = None
    body: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Decision:
    """Whether a request goes on, and what rules said on the way.

    `reply` None means that it goes on, with `insert` as additional headers. `rule` is the rule
    that ended it, None for the web ACL's default action.
    """

    rule: str | None = None
    reply: Reply | None = None
    insert: tuple[tuple[str, str], ...] = ()
    labels: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()


@dataclass
class Evaluation:
    """One request on its way through the rules: what has been said of it so far."""

    request: Request
    labels: set[str] = field(default_factory=set)
    counted: list[str] = field(default_factory=list)
    insert: list[tuple[str, str]] = field(default_factory=list)
    _parts: dict[object, list[str]] = field(default_factory=dict)

    def parts(self, look: Callable[[Request], Iterable[str]]) -> list[str]:
        """What there is to look at; many rules look at the same."""
        if look not in self._parts:
            # Each value once, in the order in which they were found.
            self._parts[look] = list(dict.fromkeys(look(self.request)))
        return self._parts[look]


def only(value: Json, known: set[str], where: str) -> None:
    """Refuse what would be dropped silently.

    Raises:
        UnsupportedError: `value` has a key that is not in `known`.
    """
    if unknown := sorted(value.keys() - known):
        raise UnsupportedError(f"{where} with {unknown[0]}")


def the_one(value: Json, where: str) -> str:
    """The only key of an object that stands for one of several kinds.

    Raises:
        UnsupportedError: It has none or several.
    """
    if len(value) != 1:
        raise UnsupportedError(f"{where} of {len(value)} kinds at once: {sorted(value)}")
    return next(iter(value))
