"""What goes through a REST API: one request in, one answer out. Frozen values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A request as a method of an API sees it.

    `path` is below the stage and, like `path_parameters`, percent-encoded as the client wrote it:
    so it stands in a function's event and goes to backends. `resource_path` is the resource that
    it matched, such as `/messages/{id}`. Headers are in order, and repeated if repeated.
    """

    method: str
    path: str
    resource_path: str = "/"
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    query: Pairs = ()
    headers: Pairs = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"

    def header(self, name: str) -> str | None:
        """The last value of a header, whatever the case of its name."""
        return last(self.headers, name, fold=True)

    def parameter(self, name: str) -> str | None:
        """The last value of a query parameter."""
        return last(self.query, name)


@dataclass(frozen=True)
class Answer:
    """What goes back to the client, or came back from an integration."""

    status: int
    headers: Pairs = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The last value of a header, whatever the case of its name."""
        return last(self.headers, name, fold=True)


def last(pairs: Pairs, name: str, *, fold: bool = False) -> str | None:
    """The last value of a name.

    >>> last((("a", "1"), ("a", "2"), ("A", "3")), "a")
    '2'
    """
    found = values(pairs, name, fold=fold)
    return found[-1] if found else None


def values(pairs: Pairs, name: str, *, fold: bool = False) -> list[str]:
    """All values of a name, in order; `fold` ignores case, as for headers."""
    return list(_values(pairs, name.lower() if fold else name, fold=fold))


def _values(pairs: Pairs, name: str, *, fold: bool) -> Iterator[str]:
    for key, value in pairs:
        if (key.lower() if fold else key) == name:
            yield value


class GatewayError(Exception):
    """The gateway answers in its own words, by the gateway response of this type.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    `message` is what AWS says; None is its `null`. `status` replaces the type's own: the 502 for a
    malformed answer of a function has no type, and so is answered by DEFAULT_5XX.
    """

    def __init__(
        self,
        response_type: str,
        message: str | None,
        *,
        status: int | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(f"{response_type}: {message}")
        self.response_type = response_type
        self.message = message
        self.status = status
        # $context.error.validationErrorString
        self.detail = detail


def wrong_configuration(detail: str) -> GatewayError:
    """What a caller sees of a mistake in the API; `detail` is for the log."""
    return GatewayError(
        "API_CONFIGURATION_ERROR", "Internal server error", status=500, detail=detail
    )
