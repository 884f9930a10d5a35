"""Which resource and method of an API a request means. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from deploy.lab.cloud.border import Json

PARAMETER = re.compile(r"\{[^{}]+\}")


@dataclass
class Node:
    """One resource with what lies below it. Built once for each deployment, then only read."""

    resource: Json = field(default_factory=dict)
    static: dict[str, "Node"] = field(default_factory=dict)
    # A path has at most one variable child of each kind: `{id}` and `{proxy+}`.
    variable: tuple[str, "Node"] | None = None
    greedy: tuple[str, "Node"] | None = None

    @property
    def path(self) -> str:
        """The resource's path, such as `/messages/{id}`."""
        return str(self.resource["path"])

    def method(self, name: str) -> Json | None:
        """The method for this verb, or the one for any."""
        methods: Mapping[str, Any] = self.resource.get("resourceMethods") or {}
        return methods.get(name) or methods.get("ANY")


@dataclass(frozen=True)
class Match:
    """What a request means: its method, and what its path says."""

    node: Node
    method: Json
    path_parameters: Mapping[str, str]


def tree(resources: Iterable[Json]) -> Node:
    """The resources of an API as a tree, from its root."""
    nodes = {resource["id"]: Node(resource) for resource in resources}
    root = Node({"path": "/"})
    for node in nodes.values():
        part = str(node.resource.get("pathPart") or "")
        parent = nodes.get(str(node.resource.get("parentId")))
        if parent is None:
            root = node
        elif part.startswith("{") and part.endswith("+}"):
            parent.greedy = (part[1:-2], node)
        elif part.startswith("{"):
            parent.variable = (part[1:-1], node)
        else:
            parent.static[part] = node
    return root


def match(root: Node, verb: str, raw_path: str) -> Match | None:
    """The method that serves this verb at this path, or None.

    A literal part wins over `{id}`, and that over `{proxy+}`. A resource that matches but does not
    know the verb leaves the request to a `{proxy+}` that does. Parameters stay percent-encoded.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
    """
    parts = [part for part in raw_path.split("/") if part]
    for number, (node, found, greedy) in enumerate(_candidates(root, parts, {})):
        method = node.method(verb)
        if method is not None and (number == 0 or greedy):
            return Match(node, method, found)
    return None


def _candidates(
    node: Node, parts: list[str], found: dict[str, str]
) -> Iterator[tuple[Node, dict[str, str], bool]]:
    if not parts:
        yield node, found, False
        return
    first, *rest = parts
    if (child := node.static.get(unquote(first))) is not None:
        yield from _candidates(child, rest, found)
    if node.variable is not None:
        name, child = node.variable
        yield from _candidates(child, rest, {**found, name: first})
    if node.greedy is not None:
        name, child = node.greedy
        yield child, {**found, name: "/".join(parts)}, True
