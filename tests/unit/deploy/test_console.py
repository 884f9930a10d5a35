from io import StringIO

import pytest
from rich.console import Console

from deploy.console import Screen, show_error
from deploy.errors import DeclinedError, NinewaysError, SeveralFailedError, StackError
from deploy.stack_states import Change, ChangeSet, StackEvent

CHANGE_SET = ChangeSet(
    "nineways-one",
    creates=False,
    changes=(
        Change("Modify", "Instance", "AWS::EC2::Instance", "True"),
        Change("Modify", "Queue", "AWS::SQS::Queue", "False"),
    ),
)


def paper() -> Console:
    """A console that is no terminal."""
    return Console(file=StringIO(), width=200)


def text(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_what_is_told_is_shown_line_by_line() -> None:
    console = paper()

    Screen(err=console).tell("a [bracketed] sentence")
    Screen(err=console).tell(StackEvent("s", "R", "AWS::SQS::Queue", "CREATE_FAILED", "Why"))

    assert text(console).splitlines() == [
        "  a [bracketed] sentence",
        "  s  CREATE_FAILED         R (SQS::Queue)  Why",
    ]


def test_a_step_says_when_it_begins_and_how_long_it_took() -> None:
    console = paper()

    with Screen(err=console) as screen, screen.doing("wait"):
        pass

    assert text(console).splitlines() == ["… wait", "✓ wait  0.0 s"]


def test_a_step_that_fails_is_marked() -> None:
    console = paper()

    with pytest.raises(StackError), Screen(err=console).doing("wait"):
        raise StackError("no")

    assert text(console).splitlines()[-1] == "✗ wait  0.0 s"


def test_a_change_set_is_shown_with_what_it_would_replace() -> None:
    console = paper()

    with pytest.raises(DeclinedError):
        Screen(err=console).review(CHANGE_SET)

    lines = [line.split("│") for line in text(console).splitlines() if "AWS::" in line]
    assert [[cell.strip() for cell in line[1:5]] for line in lines] == [
        ["Modify", "Instance", "AWS::EC2::Instance", "yes"],
        ["Modify", "Queue", "AWS::SQS::Queue", ""],
    ]


def test_where_nobody_can_be_asked_nothing_is_agreed() -> None:
    with pytest.raises(DeclinedError) as caught:
        Screen(err=paper()).ask("Delete everything?")

    assert "--yes" in caught.value.remedy


def test_an_error_is_three_lines() -> None:
    console = paper()

    show_error(NinewaysError("what", cause="why", remedy="what to do"), console)

    assert text(console).splitlines() == ["error: what", "  cause: why", "  try:   what to do"]


def test_of_several_errors_each_is_shown() -> None:
    console = paper()

    show_error(SeveralFailedError([StackError("one"), StackError("other", cause="x")]), console)

    assert text(console).splitlines() == ["error: one", "error: other", "  cause: x"]
