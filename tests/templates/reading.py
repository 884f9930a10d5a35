"""The templates as values, for the tests beside this file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

import deploy
from deploy.catalog import VARIANTS
from deploy.model import FOUNDATION, Stack

DEPLOY = Path(deploy.__file__).parent

Node: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """One template.yaml, its short intrinsics written out: `!Ref X` is {"Ref": "X"}."""

    path: Path
    text: str
    content: Node

    @property
    def slug(self) -> str:
        return self.path.parent.name

    @property
    def parameters(self) -> dict[str, Node]:
        return self._section("Parameters")

    @property
    def resources(self) -> dict[str, Node]:
        return self._section("Resources")

    @property
    def outputs(self) -> dict[str, Node]:
        return self._section("Outputs")

    def _section(self, name: str) -> dict[str, Node]:
        section: dict[str, Node] = self.content.get(name, {})
        return section

    def of_type(self, *types: str) -> dict[str, Node]:
        """The resources of these types: logical id to properties."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] in types
        }


class _Loader(yaml.SafeLoader):
    pass


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Node:
    match node:
        case yaml.ScalarNode():
            value: object = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def read(path: Path) -> Template:
    text = path.read_text()
    return Template(path, text, yaml.load(text, _Loader))  # noqa: S506 - _Loader is a SafeLoader


TEMPLATES = tuple(read(path) for path in sorted(DEPLOY.glob("*/template.yaml")))
STACKS: tuple[Stack, ...] = (
    FOUNDATION,
    *(stack for variant in VARIANTS for stack in variant.stacks),
)


def template_of(stack: Stack) -> Template:
    return read(DEPLOY / stack.template)


each_template = pytest.mark.parametrize("template", TEMPLATES, ids=lambda it: it.slug)
each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda it: it.slug)
each_stack = pytest.mark.parametrize("stack", STACKS, ids=lambda it: it.name)


def walk(value: object) -> Iterator[object]:
    """Every value inside a value, itself included."""
    yield value
    match value:
        case dict():
            inner = list(value.values())
        case list():
            inner = value
        case _:
            inner = []
    for part in inner:
        yield from walk(part)


def stack_outputs(name: str) -> set[str]:
    """What the stack of that name puts out."""
    return {key for stack in STACKS if stack.name == name for key in template_of(stack).outputs}
