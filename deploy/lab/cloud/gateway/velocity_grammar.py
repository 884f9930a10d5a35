"""The grammar of mapping templates: airspeed's, corrected where it is not Velocity 1.7's."""

import re
from functools import lru_cache
from typing import Any, TypeAlias

import airspeed

Element: TypeAlias = Any  # airspeed is untyped

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
LARGEST_TEMPLATE = 300 * 1024  # bytes

# airspeed's grammar, where it is not Velocity's. A string has no escapes but a doubled quote, so
# that "\\'" in replaceAll is a pattern of two characters; a name may hold hyphens.
airspeed.StringLiteral.STRING = re.compile(r"'((?:''|[^'])*)'", re.DOTALL)
airspeed.InterpolatedStringLiteral.STRING = re.compile(r'"((?:""|[^"])*)"', re.DOTALL)
airspeed.StringLiteral.ESCAPED_CHAR = re.compile(r"(?!)")
airspeed.InterpolatedStringLiteral.ESCAPED_CHAR = re.compile(r"(?!)")
airspeed.NameOrCall.NAME = re.compile(r"([_a-z][a-z0-9_-]*)", re.IGNORECASE)
airspeed.SetDirective.PLACE = re.compile(
    r"\s*\$!?\{?([a-z_][a-z0-9_-]*(?:\.[a-z_][a-z0-9_-]*)*)\}?", re.IGNORECASE
)
airspeed.ForeachDirective.LOOP_VAR_NAME = re.compile(r"\$([a-z_][a-z0-9_-]*)", re.IGNORECASE)


class VelocityError(Exception):
    """A template that is too long, is not Velocity, or uses what API Gateway does not offer."""


@lru_cache(256)
def parsed(template: str) -> Element:
    """The tree of a template; its children are what stands in it, in order.

    Raises:
        VelocityError: see there.
    """
    if len(template.encode(errors="replace")) > LARGEST_TEMPLATE:
        raise VelocityError(f"the template is longer than {LARGEST_TEMPLATE} bytes")
    try:
        return airspeed.TemplateBody("template", template).block
    except airspeed.TemplateError as error:
        raise VelocityError(f"the template is not valid: {error}") from error
    except airspeed.NoMatch:
        raise VelocityError("the template is not valid: a directive is incomplete") from None
