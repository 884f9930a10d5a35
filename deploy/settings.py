"""Template parameters set by hand: `nineways up alb-asg --set WarmPoolSize=2`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from deploy.errors import BadInputError
from deploy.model import Stack, Variant
from deploy.templates import parameters


def settings_of(typed: Iterable[str]) -> dict[str, str]:
    """Read `Name=Value`, each name once.

    >>> settings_of(["WarmPoolSize=2", "Domain=a=b"])
    {'WarmPoolSize': '2', 'Domain': 'a=b'}
    """
    settings: dict[str, str] = {}
    for text in typed:
        name, separator, value = text.partition("=")
        if not separator or not name.isalnum():
            raise BadInputError(
                f"{text!r} sets no parameter", remedy="write it as --set WarmPoolSize=2"
            )
        if name in settings:
            raise BadInputError(f"{name} is set twice", remedy="leave one of them out")
        settings[name] = value
    return settings


def with_settings(variants: Iterable[Variant], settings: Mapping[str, str]) -> tuple[Variant, ...]:
    """The same variants; each stack whose template has one of the parameters is given its value.

    What is not set has its template's default, also when the stack stands with another value.

    Raises:
        BadInputError: no template has the parameter, or what is deployed before gives its value.
    """
    variants = tuple(variants)
    if not settings:
        return variants
    stacks = [stack for variant in variants for stack in variant.stacks]
    free = {name for stack in stacks for name in parameters(stack) - stack.parameters.keys()}
    for name in settings:
        if name not in free:
            raise _not_free(name, free, stacks)
    return tuple(
        replace(variant, stacks=tuple(_with(stack, settings) for stack in variant.stacks))
        for variant in variants
    )


def _with(stack: Stack, settings: Mapping[str, str]) -> Stack:
    mine = settings.keys() & (parameters(stack) - stack.parameters.keys())
    given = {name: settings[name] for name in sorted(mine)}
    return replace(stack, parameters={**stack.parameters, **given}) if given else stack


def _not_free(name: str, free: Iterable[str], stacks: Iterable[Stack]) -> BadInputError:
    if any(name in stack.parameters for stack in stacks):
        return BadInputError(
            f"{name} is not set by hand",
            cause="its value comes from the place, or from what is deployed before",
        )
    near = get_close_matches(name, sorted(free), n=1)
    return BadInputError(
        f"no template here has a parameter {name}",
        remedy=(f"did you mean {near[0]}? " if near else "")
        + f"there are: {', '.join(sorted(free)) or 'none'}",
    )
