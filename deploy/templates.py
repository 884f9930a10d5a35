"""Templates as they are sent: whole, or without their comments when they are too long with them."""

from pathlib import Path

from deploy.model import Stack

HERE = Path(__file__).parent

# A template given in the call; larger ones would have to go by way of S3
# (AWS CloudFormation quotas, read 2026-11).
MAX_TEMPLATE_BYTES = 51_200


def text_of(stack: Stack) -> str:
    """The text of a stack's template, as it is in the folder."""
    return (HERE / stack.template).read_text(encoding="utf-8")


def parameters(stack: Stack) -> frozenset[str]:
    """The names of the parameters that a stack's template has."""
    import yaml  # noqa: PLC0415  `nineways list` answers sooner without

    # Composed and not constructed: CloudFormation's own tags (!Ref) mean nothing here.
    template = yaml.compose(text_of(stack))
    assert template  # noqa: S101 - our templates are not empty
    sections = {key.value: section for key, section in template.value}
    named = sections.get("Parameters")
    return frozenset(key.value for key, _ in named.value) if named else frozenset()


def sendable(template: str) -> str:
    """The template as CloudFormation takes it: without its comments when it is too long with them.

    What is left may still be too long: who sends it says so.
    """
    return template if len(template.encode()) <= MAX_TEMPLATE_BYTES else without_comments(template)


def without_comments(template: str) -> str:
    r"""The same YAML without the lines that hold nothing but a comment.

    A mapping template or a script inside has lines that begin with # as well, and keeps them.

    >>> without_comments("# why\na: |\n  #!/bin/sh\n  # kept\nb: 1\n")
    'a: |\n  #!/bin/sh\n  # kept\nb: 1\n'
    """
    import yaml  # noqa: PLC0415  see above

    inside: set[int] = set()
    for token in yaml.scan(template):
        if isinstance(token, yaml.ScalarToken):
            # A block ends where the next line begins, other text within its last line.
            last = token.end_mark.line - (token.style in {"|", ">"})
            inside.update(range(token.start_mark.line, last + 1))
    return "".join(
        line
        for number, line in enumerate(template.splitlines(keepends=True))
        if number in inside or not line.lstrip().startswith("#")
    )
