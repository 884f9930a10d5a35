"""CreationPolicy and UpdatePolicy of a resource, as its stack's template has them."""

from deploy.lab.cloud.border import Internals, Json

STACKS = Internals("services.cloudformation", "_stacks")
ENGINE = Internals(
    "services.cloudformation.engine", "_evaluate_conditions", "_parse_template", "_resolve_refs"
)


def definition(stack_name: str, logical_id: str) -> Json:
    """A resource of the template that is being carried out."""
    resources = _template(stack_name).get("Resources") or {}
    found: Json = resources.get(logical_id) or {}
    return found


def policy(stack_name: str, logical_id: str, name: str) -> Json:
    """The resource's CreationPolicy or UpdatePolicy, without references; empty when it has none."""
    raw = definition(stack_name, logical_id).get(name) or {}
    if not raw:
        return {}
    stack, template = STACKS.stacks[stack_name], _template(stack_name)
    parameters = {
        given["ParameterKey"]: {"Value": given.get("ResolvedValue") or given["ParameterValue"]}
        for given in stack.get("Parameters") or []
    }
    resolved: Json = ENGINE.resolve_refs(
        raw,
        stack.get("_resources") or {},
        parameters,
        ENGINE.evaluate_conditions(template, parameters),
        template.get("Mappings") or {},
        stack_name,
        stack["StackId"],
    )
    return resolved


def _template(stack_name: str) -> Json:
    stack = STACKS.stacks.get(stack_name) or {}
    # The template record is set when an operation is done; the text when it begins.
    if body := stack.get("_template_body"):
        parsed: Json = ENGINE.parse_template(body)
        return parsed
    template: Json = stack.get("_template") or {}
    return template
