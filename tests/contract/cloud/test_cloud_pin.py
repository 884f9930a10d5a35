"""The version we hook into, and the names we hook into."""

import importlib
import pkgutil
from importlib.metadata import version

import deploy.lab.cloud
from deploy.lab.cloud import pin


def test_ministack_is_the_version_that_our_additions_were_written_for() -> None:
    assert version("ministack") == pin.PINNED, (
        "raising the pin: let the tests of tests/contract/cloud say what broke, adapt it, "
        "then set PINNED in deploy/lab/cloud/pin.py and the version in pyproject.toml"
    )


def test_every_name_that_we_hook_into_is_still_there() -> None:
    for module in pkgutil.iter_modules(deploy.lab.cloud.__path__):
        if module.name != "__main__":
            importlib.import_module(f"deploy.lab.cloud.{module.name}")

    assert pin.missing_hooks() == [], "the module that declares it says what it is for"
