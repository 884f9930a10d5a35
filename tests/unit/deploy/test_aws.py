from typing import get_args, get_type_hints

from deploy.artifacts import AWS_TARGET
from deploy.aws import SETTINGS
from deploy.catalog import VARIANTS
from deploy.model import PlaceSetting


def test_an_account_knows_every_setting_that_a_variant_may_ask_for() -> None:
    assert SETTINGS.keys() == set(get_args(get_type_hints(PlaceSetting)["name"]))


def test_every_setting_that_is_asked_for_is_known() -> None:
    asked = {
        value.name
        for variant in VARIANTS
        for stack in variant.stacks
        for value in stack.parameters.values()
        if isinstance(value, PlaceSetting)
    }

    assert asked <= SETTINGS.keys()


def test_functions_run_on_the_python_that_they_are_built_for() -> None:
    assert SETTINGS["LambdaRuntime"] == f"python{AWS_TARGET.python}"
    assert SETTINGS["LambdaArchitecture"] == AWS_TARGET.arch
