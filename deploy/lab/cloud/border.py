"""The typed border to MiniStack, which ships no types.

MiniStack's services are modules with private stores and action tables. `Internals` names the
ones we hook into, so that one test can say which of them an upgrade took away.
"""

import importlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

Json: TypeAlias = dict[str, Any]
Parameters: TypeAlias = dict[str, Any]
Response: TypeAlias = tuple[int, dict[str, str], bytes]
Action: TypeAlias = Callable[[Parameters], Response]
# What CloudFormation calls the physical id, and what Fn::GetAtt may ask for.
Created: TypeAlias = tuple[str, dict[str, str]]


class HookMissingError(Exception):
    """MiniStack no longer has a name that we hook into."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__(
            f"ministack.{module} has no {name!r} any more: find what replaced it, then adapt the "
            f"module of deploy/lab/cloud that declares it"
        )


class RefusedError(ValueError):
    """A MiniStack API action answered with an error; the text is its message."""


class Internals:
    """Private names of one MiniStack module, without their underscore.

    `EC2 = Internals("services.ec2", "_instances")` makes `EC2.instances`. Nothing is imported
    before the first use.
    """

    declared: ClassVar[list["Internals"]] = []

    def __init__(self, module: str, *names: str) -> None:
        self.module = module
        self.names = {name.lstrip("_"): name for name in names}
        Internals.declared.append(self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - MiniStack is untyped
        if (real := self.names.get(name)) is None:
            raise AttributeError(f"declare {name} of ministack.{self.module} before using it")
        try:
            return getattr(importlib.import_module(f"ministack.{self.module}"), real)
        except AttributeError:
            raise HookMissingError(self.module, real) from None

    def has(self, name: str) -> bool:
        """Whether MiniStack still has it."""
        return hasattr(importlib.import_module(f"ministack.{self.module}"), self.names[name])

    def replace(self, name: str, value: object) -> None:
        """Put our value in place of the stock one, for every caller inside the module."""
        getattr(self, name)
        setattr(importlib.import_module(f"ministack.{self.module}"), self.names[name], value)


RESPONSES = Internals(
    "core.responses", "get_account_id", "get_region", "json_response", "request_scope", "new_uuid"
)
_PROVISIONERS = Internals("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")


def records(store: Any) -> dict[str, Json]:  # noqa: ANN401 - a MiniStack store
    """Every record of a store by its id, over all accounts and regions."""
    return {scoped[-1]: record for scoped, record in store.to_dict().items()}


def scoped_records(store: Any) -> Iterator[tuple[str, str, str, Json]]:  # noqa: ANN401 - the same
    """Account, region, id and record of everything in a store."""
    for (account, region, key), record in store.to_dict().items():
        yield account, region, key, record


def scope(account: str, region: str) -> AbstractContextManager[None]:
    """Act for this account and region, as a request would."""
    within: AbstractContextManager[None] = RESPONSES.request_scope(account, region)
    return within


def call(action: Action, **parameters: str) -> str:
    """Call a Query API action of MiniStack from inside.

    Raises:
        RefusedError: when it answers with an error.
    """
    status, _, body = action(parameters)
    text = body.decode()
    if status >= 400:  # noqa: PLR2004 - the first HTTP status that is an error
        raise RefusedError(element(text, "Message") or text)
    return text


def element(xml: str, name: str) -> str:
    """Text of the first element with this name, or nothing."""
    found = re.search(rf"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    return found.group(1).strip() if found else ""


def is_true(value: object) -> bool:
    """Whether a template or a record says true: in YAML, JSON or as text."""
    return str(value).lower() == "true"


@dataclass(frozen=True)
class ResourceType:
    """How CloudFormation creates, updates and deletes one resource type.

    `update` answers with another physical id to say that it replaced the resource;
    CloudFormation then deletes the old one. Without `update`, every change is a replacement.
    """

    create: Callable[[str, Json, str], Created]
    delete: Callable[[str, Json], None]
    update: Callable[[str, Json, Json, str], Created] | None = None


def add_resource_type(name: str, handlers: ResourceType) -> None:
    """Make a resource type known to CloudFormation."""
    table: Json = {"create": handlers.create, "delete": handlers.delete}
    if handlers.update:
        table["update"] = handlers.update
    _PROVISIONERS.RESOURCE_HANDLERS[name] = table


Before: TypeAlias = Callable[[Json], Json]
After: TypeAlias = Callable[[str, Json, dict[str, str]], Created]


def amend_resource_type(
    name: str, *, before: Before | None = None, after: After | None = None
) -> None:
    """Correct the properties that a stock type is given, or what it answers."""
    table = _PROVISIONERS.RESOURCE_HANDLERS[name]
    stock_create, stock_update = table["create"], table.get("update")
    prepared = before or (lambda properties: properties)

    def finished(made: Created, properties: Json) -> Created:
        return after(made[0], properties, made[1]) if after else made

    def create(logical_id: str, properties: Json, stack: str) -> Created:
        properties = prepared(properties)
        return finished(stock_create(logical_id, properties, stack), properties)

    def update(physical_id: str, old: Json, new: Json, *rest: Any) -> Created:  # noqa: ANN401 - passed on
        new = prepared(new)
        return finished(stock_update(physical_id, prepared(old), new, *rest), new)

    table["create"] = create
    if stock_update:
        table["update"] = update


def refuse_unknown(properties: Json, known: frozenset[str], resource_type: str) -> None:
    """Refuse a property that the lab would silently drop."""
    if unknown := sorted(properties.keys() - known):
        raise RefusedError(
            f"Encountered unsupported property {unknown[0]}: the lab's {resource_type} knows "
            + ", ".join(sorted(known))
        )
