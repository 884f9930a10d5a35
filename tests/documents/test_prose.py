"""What every page keeps to: a sentence a line, and nothing named that is not there."""

import re
from pathlib import Path

import pytest
import typer

import deploy
from loadtest.cli import app

ROOT = Path(str(deploy.__file__)).parents[1]
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/**/*.md"))
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
FENCED = re.compile(r"^```.*?^```\n", re.MULTILINE | re.DOTALL)
# A word between backticks may end in a dot; what stands in bold at a line's beginning is a heading.
APART = re.compile(r"`[^`]*`|^(?:\* )?\*\*[^*]+\*\*|^(?:#+ )?\d+\.")
TWO_SENTENCES = re.compile(r"[.!?]\)? +[A-Z*`]")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")
TYPED = re.compile(r"(?:^\$ |`|\()nineways ((?:lab )?(?:fault )?[a-z]+)", re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda it: str(it.relative_to(ROOT)))


@each_page
def test_a_line_is_a_sentence(page: Path) -> None:
    prose = FENCED.sub("", page.read_text(encoding="utf-8")).splitlines()
    lines = [line for line in prose if not line.startswith(("|", "[", "    "))]

    assert [line for line in lines if TWO_SENTENCES.search(APART.sub("x", line))] == []


@each_page
def test_a_link_leads_to_what_is_there(page: Path) -> None:
    linked = LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in linked if not (page.parent / link).exists()] == []


@each_page
def test_a_command_that_is_named_is_there(page: Path) -> None:
    named = set(TYPED.findall(page.read_text(encoding="utf-8")))

    assert named - commands() == set()


def commands() -> set[str]:
    """Every command, those of a group with the group's name before theirs."""
    found, ahead = set[str](), [("", typer.main.get_command(app))]
    while ahead:
        path, command = ahead.pop()
        for name, inner in getattr(command, "commands", {}).items():
            found.add(f"{path}{name}")
            ahead.append((f"{path}{name} ", inner))
    return found


def test_a_verb_of_make_that_is_named_is_there() -> None:
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        verb
        for page in PAGES
        for verb in re.findall(r"(?:^\$ |`)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    }

    assert named - verbs == set()
    assert {"demo", "test", "lint", "bench"} <= named
