"""Templates lose their comments, and nothing else, when they are too long to be sent."""

import pytest
import yaml

from deploy.templates import MAX_TEMPLATE_BYTES, sendable, without_comments
from tests.templates.reading import TEMPLATES, Template

LONG = "# for readers\n" * 4_000

MAPPING = """\
Body: |
  ## a comment of Velocity
  #set($body = $input.path('$'))
   # indented
Folded: >-
  # text
Quoted: "one
  # two"
"""


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda it: it.slug)
def test_without_its_comments_a_template_says_the_same(template: Template) -> None:
    bare = without_comments(template.text)

    assert len(bare) < len(template.text)
    assert yaml.serialize(yaml.compose(bare)) == yaml.serialize(yaml.compose(template.text))


def test_lines_of_text_that_begin_like_a_comment_stay() -> None:
    assert without_comments(f"# why\n{MAPPING}  # and why\nA: 1\n") == f"{MAPPING}A: 1\n"


def test_what_fits_is_sent_as_it_is() -> None:
    assert sendable(f"# why\n{MAPPING}") == f"# why\n{MAPPING}"


def test_what_does_not_fit_is_sent_without_comments() -> None:
    assert len(LONG) > MAX_TEMPLATE_BYTES
    assert sendable(LONG + MAPPING) == MAPPING
