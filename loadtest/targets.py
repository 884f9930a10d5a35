"""What can be verified and loaded: a deployed variant, or any URL that speaks the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy import probe
from deploy.errors import BadInputError
from deploy.model import FOUNDATION, Feature, Output, Variant
from loadtest.cold_starts import Environments, LambdaEnvironments
from loadtest.inside import Inside
from loadtest.inside_account import AccountInside
from loadtest.queue_probe import QueueProbe, SqsProbe

if TYPE_CHECKING:
    from deploy.account import AccountPlace


@dataclass(frozen=True)
class Target:
    """A service somewhere, and what is known about what is behind it."""

    name: str
    url: str
    title: str = ""
    # Digest of what is deployed.
    version: str = ""
    # What /whoami must call itself; nothing is expected when this is None.
    slug: str | None = None
    # What it adds to the contract, and what of the contract it does not promise.
    features: frozenset[Feature] = frozenset()
    not_promised: Mapping[str, str] = field(default_factory=dict)
    # The account behind it, where there is one.
    inside: Inside | None = None
    # The queue behind it, when it can be looked into.
    queue: QueueProbe | None = None
    # Where it starts cold, if it does.
    environments: Environments | None = None
    # Who knows the name in the URL, as 127.9.0.53:5353; the system's name server when None.
    name_server: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, where no proxy could reach it."""
        return self.name_server is not None or (urlsplit(self.url).hostname or "").startswith(
            ("127.", "localhost")
        )


def deployed(variants: Sequence[Variant], place: "AccountPlace") -> list[Target]:
    """The variants as they stand in a place. They share one queue."""
    for variant in variants:
        # Whose stack is missing is to be said before the foundation's is.
        place.output(variant.url)
    queue = SqsProbe(place.sqs, place.output(Output(FOUNDATION.name, "QueueUrl")))
    return [target_of(variant, place, queue) for variant in variants]


def deployed_one(variant: Variant, place: "AccountPlace") -> Target:
    """One variant as it stands in a place.

    Raises:
        StackError: it does not stand.
    """
    (target,) = deployed([variant], place)
    return target


def target_of(variant: Variant, place: "AccountPlace", queue: QueueProbe) -> Target:
    """One variant."""
    stated = place.output(variant.url)
    reached = place.reach(stated)
    has_name = place.name_server is not None and differ_in_host_only(stated, reached)
    stack = place.cloudformation.find(variant.url.stack)
    function = stack.outputs.get("FunctionName") if stack else None
    _, who = probe.get(f"{reached}/whoami")
    return Target(
        name=variant.name,
        url=stated if has_name else reached,
        title=variant.title,
        version=str(who.get("version", "")),
        slug=variant.served_by or variant.slug,
        features=variant.features,
        not_promised=variant.not_promised,
        inside=AccountInside(variant, place),
        queue=queue,
        environments=LambdaEnvironments(place.lambda_, function, place.patience)
        if function
        else None,
        name_server=place.name_server if has_name else None,
    )


def differ_in_host_only(stated: str, reached: str) -> bool:
    """Whether the place only looked up a name, which clients of its service do themselves.

    >>> differ_in_host_only("http://app.lab.test:8080", "http://127.9.20.1:8080")
    True
    >>> differ_in_host_only("https://x.execute-api.example/live", "http://127.9.60.1:8080/live")
    False
    """
    name, address = urlsplit(stated).hostname, urlsplit(reached).hostname
    return name != address and stated.replace(name or "", address or "", 1) == reached


def by_url(text: str) -> Target:
    """Read `name=http://…`.

    >>> by_url("mine=http://127.0.0.1:8000/").url
    'http://127.0.0.1:8000'
    """
    name, separator, url = text.partition("=")
    if not separator or not url.startswith(("http://", "https://")) or not name.isprintable():
        raise BadInputError(
            f"{text!r} is no named URL", remedy="write it as mine=http://127.0.0.1:8000"
        )
    if "/" in name or not name:
        raise BadInputError(f"{name!r} cannot be a name", remedy="leave out slashes")
    return Target(name=name, url=url.rstrip("/"), title=url)
