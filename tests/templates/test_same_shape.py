"""Every variant has the same shape, and every template can be read by a newcomer."""

import re
from itertools import pairwise

from deploy.catalog import VARIANTS
from deploy.model import Output, PlaceSetting, Published, Stack, Variant
from tests.templates.reading import (
    DEPLOY,
    STACKS,
    TEMPLATES,
    Template,
    each_stack,
    each_template,
    each_variant,
    stack_outputs,
    template_of,
)


@each_variant
def test_folder_has_the_four_files(variant: Variant) -> None:
    files = {path.name for path in (DEPLOY / variant.slug).iterdir()}

    assert {"__init__.py", "README.md", "template.yaml", "variant.py"} <= files


def test_every_folder_with_a_template_is_reached_from_the_catalog() -> None:
    assert {template.slug for template in TEMPLATES} == {
        template_of(stack).slug for stack in STACKS
    }


def test_the_order_of_the_catalog_is_that_of_the_numbers() -> None:
    numbers = [variant.number for variant in VARIANTS]

    assert numbers == sorted(set(numbers))


@each_variant
def test_the_last_stack_is_called_after_the_variant_and_has_its_url(variant: Variant) -> None:
    last = variant.stacks[-1]

    assert last.name == f"nineways-{variant.name}"
    assert variant.url == Output(last.name, "Url")
    assert "Url" in template_of(last).outputs


@each_stack
def test_every_parameter_is_fed_or_has_a_default(stack: Stack) -> None:
    without_default = {
        name
        for name, parameter in template_of(stack).parameters.items()
        if "Default" not in parameter
    }

    assert without_default <= set(stack.parameters)


@each_stack
def test_every_value_fed_has_a_parameter(stack: Stack) -> None:
    assert set(stack.parameters) <= set(template_of(stack).parameters)


@each_variant
def test_what_is_fed_exists(variant: Variant) -> None:
    earlier = {"nineways-foundation"}
    for stack in variant.stacks:
        for name, value in stack.parameters.items():
            match value:
                case Output():
                    assert value.stack in earlier, name
                    assert value.key in stack_outputs(value.stack), name
                case Published():
                    assert value.artifact in variant.artifacts, name
                case PlaceSetting():
                    assert value.name == name
        earlier.add(stack.name)


@each_template
def test_the_template_says_what_it_is_for(template: Template) -> None:
    assert template.content["Description"].startswith(
        f"nineways {template.slug.replace('_', '-')}: "
    )


@each_template
def test_every_parameter_is_described_and_bounded(template: Template) -> None:
    for name, parameter in template.parameters.items():
        assert parameter["Description"].endswith((".", ")")), name
        assert _is_bounded(parameter), name


def _is_bounded(parameter: dict[str, object]) -> bool:
    match parameter["Type"]:
        case "Number":
            return "AllowedValues" in parameter or {"MinValue", "MaxValue"} <= set(parameter)
        case "String":
            return bool({"AllowedValues", "AllowedPattern", "MaxLength"} & set(parameter))
        case _:  # CloudFormation checks an AWS-specific type itself
            return True


@each_template
def test_every_output_is_described(template: Template) -> None:
    for name, output in template.outputs.items():
        assert output["Description"].endswith("."), name


@each_template
def test_a_comment_above_each_resource_says_why_it_is_there(template: Template) -> None:
    _, _, below = template.text.partition("\nResources:\n")
    lines = below.partition("\nOutputs:\n")[0].splitlines()
    above = {
        line.strip().rstrip(":"): before.strip()
        for before, line in pairwise(lines)
        if re.fullmatch(r"  \w+:", line)
    }

    bare = [name for name in template.resources if not above[name].startswith("# ")]

    assert bare == []


@each_template
def test_deletion_is_stated_and_nothing_stays_behind(template: Template) -> None:
    for logical_id, resource in template.resources.items():
        stated = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
        assert stated == ("Delete", "Delete"), logical_id
