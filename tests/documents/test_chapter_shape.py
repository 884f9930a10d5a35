"""Chapters have the same headings, and judge a variant as its data does."""

import re

from deploy.model import Variant
from tests.templates.reading import DEPLOY, each_variant, template_of

HEADINGS = [
    "When to choose it, and what instead",
    "The template, from top to bottom",
    "Try it",
    "What it costs, in words",
    "Limits",
    "On AWS",
]
# A cell may say more than the data, after a colon.
JUDGED = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def chapter_of(variant: Variant) -> str:
    return (DEPLOY / variant.slug / "README.md").read_text(encoding="utf-8")


@each_variant
def test_a_chapter_has_the_headings_of_all_chapters(variant: Variant) -> None:
    chapter = chapter_of(variant)

    assert chapter.startswith(f"# {variant.number}. ")
    assert re.findall(r"^## (.+)$", chapter, re.MULTILINE) == HEADINGS


@each_variant
def test_a_chapter_judges_as_the_summary_does(variant: Variant) -> None:
    heads, judged = JUDGED.findall(chapter_of(variant))[:2]

    assert heads == ("scalability", "burden", "known for")
    said = tuple(cell.partition(":")[0] for cell in judged[:2])
    assert (*said, judged[2]) == (variant.scalability, variant.burden, variant.known_for)


@each_variant
def test_a_chapter_names_only_resources_and_parameters_that_there_are(variant: Variant) -> None:
    template = "".join(template_of(stack).text for stack in variant.stacks)
    walk = chapter_of(variant).partition("\n## The template")[2].partition("\n## ")[0]

    named = set(re.findall(r"`([A-Z][a-z][A-Za-z0-9]+)`", walk))

    assert {name for name in named if not re.search(rf"\b{name}\b", template)} == set()


@each_variant
def test_a_chapter_says_that_no_account_has_seen_it(variant: Variant) -> None:
    on_aws = chapter_of(variant).partition("\n## On AWS\n")[2]

    assert on_aws.startswith("\n**Not tried on a real account yet**: ")
