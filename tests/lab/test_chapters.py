"""What a chapter shows under "Try it" is what happens: its commands, in order, in a lab."""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx2
import pytest

import deploy
from deploy.catalog import VARIANTS
from deploy.lab import control
from deploy.lab.status import LabInfo
from deploy.model import Variant

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

DEPLOY = Path(str(deploy.__file__)).parent
PROMPT = "$ "
# `...` in what a chapter shows stands for anything, and spaces for any spaces.
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
ENDED = "-- ended with"


@dataclass(frozen=True)
class Command:
    """A line that a reader types, and what the chapter shows of its answer."""

    typed: str
    shown: str


def commands_of(chapter: str) -> list[Command]:
    """The console blocks of the section `Try it`."""
    _, _, below = chapter.partition("\n## Try it\n")
    section = below.partition("\n## ")[0]
    found: list[Command] = []
    for block in re.findall(r"^```console\n(.*?)^```$", section, re.DOTALL | re.MULTILINE):
        for line in block.splitlines(keepends=True):
            if line.startswith(PROMPT):
                found.append(Command(line.removeprefix(PROMPT).rstrip("\n"), ""))
            else:
                found[-1] = Command(found[-1].typed, found[-1].shown + line)
    return found


class Shell:
    """A shell into which one command is typed after the other."""

    def __init__(self, lab: str, temporary: Path) -> None:
        self._errors = temporary / "stderr"
        with self._errors.open("wb") as errors:
            self._bash = subprocess.Popen(
                ["bash"],
                env=os.environ
                | {
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "NINEWAYS_LAB": lab,
                    "TMPDIR": str(temporary),
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bash.communicate()

    def run(self, typed: str) -> str:
        """Type it and read its answer; it must succeed."""
        assert self._bash.stdin
        assert self._bash.stdout
        # What a command leaves unread of its input would be taken from the next one.
        self._bash.stdin.write(f"{{ {typed}\n}} </dev/null; printf '\\n{ENDED} %s\\n' $?\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        for line in self._bash.stdout:
            if line.startswith(ENDED):
                break
            lines.append(line)
        said = "".join(lines)
        assert line.strip() == f"{ENDED} 0", f"{typed}\n{said}\n{self._errors.read_text()}"
        return said


@pytest.fixture(scope="module")
def lab() -> Iterator[LabInfo]:
    """One lab for all chapters, several times faster than a reader's."""
    name = f"chapters-{os.getpid()}"
    yield control.up(name, speed=50)
    assert control.down(name) == []


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda it: it.name)
def test_a_chapter_followed_word_for_word_works_and_leaves_nothing(
    variant: Variant, lab: LabInfo, tmp_path: Path
) -> None:
    chapter = (DEPLOY / variant.slug / "README.md").read_text(encoding="utf-8")
    commands = commands_of(chapter)
    assert [it.typed for it in commands if variant.name in it.typed], "nothing to try"

    with Shell(lab.name, tmp_path) as shell:
        try:
            for command in commands:
                said = shell.run(command.typed)
                if command.shown:
                    same = doctest.OutputChecker().check_output(command.shown, said, LENIENT)
                    assert same, f"{command.typed}\nsays:\n{said}\nthe chapter:\n{command.shown}"
        finally:
            # Like the next chapter, a reader goes on with a lab in which nothing stands.
            shell.run("nineways down all")

    state = httpx2.get(f"{lab.endpoint_url}/_lab/state", params={"since": -1, "wait": 0}).json()
    assert {kind: things for kind, things in state.items() if kind != "version" and things} == {}


def test_commands_are_those_of_the_section_with_what_is_shown_below_them() -> None:
    chapter = (
        "# 1\n```console\n$ elsewhere\n```\n## Try it\n\n```console\n$ one\n$ two\nshown\n```\n"
        "text\n```console\n$ three\n```\n\n## Limits\n\n```console\n$ elsewhere\n```\n"
    )

    assert commands_of(chapter) == [
        Command("one", ""),
        Command("two", "shown\n"),
        Command("three", ""),
    ]
