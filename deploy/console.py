"""What the command shows: progress and errors on stderr, answers on stdout."""

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.prompt import Confirm
from rich.table import Table
from rich.theme import Theme

from deploy.errors import DeclinedError, NinewaysError, SeveralFailedError
from deploy.model import SideBySide, Step
from deploy.plan import describe
from deploy.stack_states import ChangeSet, StackEvent

# In a file or a pipe, tables are as wide as they need to be.
_WIDTH_OF_A_FILE = 200

_THEME = Theme(
    {
        "status.good": "green",
        "status.bad": "bold red",
        "status.busy": "yellow",
        "status.kind": "dim",
    }
)


class _Statuses(RegexHighlighter):
    base_style = "status."
    highlights = (
        r"(?P<good>\b\w+_COMPLETE\b)",
        r"(?P<bad>\b\w*(FAILED|ROLLBACK\w*)\b)",
        r"(?P<busy>\b\w+_IN_PROGRESS\b)",
        r"(?P<kind>\([A-Z]\w+::\w+\))",
    )


class Screen:
    """One command's conversation with its user.

    May be told things from several threads: each shows under the step that its thread is at.
    """

    def __init__(self, *, as_json: bool = False, err: Console | None = None) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False)
        if not self.out.is_terminal and "COLUMNS" not in os.environ:
            self.out.width = _WIDTH_OF_A_FILE
        self.err = err or Console(stderr=True, theme=_THEME, highlighter=_Statuses())
        self._tasks: dict[int, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text=""),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[now]}"),
            console=self.err,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._spin()
        return self

    def __exit__(self, *_: object) -> None:
        self._rest()

    def tell(self, thing: object) -> None:
        """Show a sentence or a stack event; what is only beginning shows beside the spinner."""
        task = self._tasks.get(threading.get_ident())
        is_beginning = isinstance(thing, StackEvent) and thing.status.endswith("_IN_PROGRESS")
        if is_beginning and task is not None and self.err.is_terminal:
            now = f"{thing.logical_id} {thing.status}" if isinstance(thing, StackEvent) else ""
            self._progress.update(task, now=now)
            return
        self.err.print(f"  {escape(str(thing))}", soft_wrap=True)

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Show one step of a plan while it is done, and how long it took."""
        if isinstance(step, SideBySide):
            yield
            return
        with self.doing(describe(step)):
            yield

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Spin while the block runs; say at its end how long it took."""
        thread, began = threading.get_ident(), time.monotonic()
        if not self.err.is_terminal:
            self.err.print(f"… {escape(what)}", soft_wrap=True)
        task = self._tasks[thread] = self._progress.add_task(escape(what), total=None, now="")
        mark = "[red]✗[/]"
        try:
            yield
            mark = "[green]✓[/]"
        finally:
            self._progress.remove_task(task)
            self._tasks.pop(thread, None)
            took_s = time.monotonic() - began
            self.err.print(f"{mark} {escape(what)}  [dim]{took_s:.1f} s[/]", soft_wrap=True)

    def ask(self, question: str) -> bool:
        """Ask yes or no; without a terminal to ask at, the answer is an error."""
        self._rest()
        try:
            if not self.err.is_terminal:
                raise DeclinedError(
                    "there is nobody to ask", cause=question, remedy="pass --yes to agree"
                )
            return Confirm.ask(escape(question), console=self.err, default=False)
        except EOFError:
            return False
        finally:
            self._spin()

    def agree(self, shown: object, question: str) -> None:
        """Show it and ask; raises `DeclinedError` on no."""
        self.err.print(shown)
        if not self.ask(question):
            raise DeclinedError("nothing was done")

    def review(self, change_set: ChangeSet) -> None:
        """Show what would change and ask; raises `DeclinedError` on no."""
        table = Table(title=f"stack {change_set.stack}", title_justify="left")
        for column in ("action", "resource", "type", "replaces"):
            table.add_column(column)
        for change in change_set.changes:
            replaces = {"True": "[bold red]yes[/]", "Conditional": "[yellow]perhaps[/]"}
            table.add_row(
                change.action,
                change.logical_id,
                change.resource_type,
                replaces.get(change.replacement, ""),
            )
        self.err.print(table)
        verb = "Create" if change_set.creates else "Change"
        if not self.ask(f"{verb} stack {change_set.stack}?"):
            raise DeclinedError(f"stack {change_set.stack} was left as it is")

    def _spin(self) -> None:
        # In a file or a pipe there is nothing to turn.
        if self.err.is_terminal:
            self._progress.start()

    def _rest(self) -> None:
        if self.err.is_terminal:
            self._progress.stop()

    def answer(self, value: object, *shown: object) -> None:
        """Give the command's answer: JSON for a machine, or what is shown to a person."""
        if self.as_json:
            self.out.print_json(json.dumps(value))
            return
        for each in shown:
            # A line stays a line: what is printed may be the input of another command.
            self.out.print(each, soft_wrap=isinstance(each, str))


def show_error(
    error: NinewaysError, console: Console | None = None, *, as_json: bool = False
) -> None:
    """Say what, why and what to do; for a machine also on stdout, in place of the answer."""
    if as_json:
        words = {"message": str(error), "cause": error.cause, "try": error.remedy}
        Console(highlight=False).print_json(json.dumps({"error": words}))
    console = console or Console(stderr=True)
    failures: Sequence[Exception] = (
        error.failures if isinstance(error, SeveralFailedError) else (error,)
    )
    for failure in failures:
        console.print(
            f"[bold red]error:[/] {escape(str(failure))}", soft_wrap=True, highlight=False
        )
        if cause := getattr(failure, "cause", ""):
            console.print(f"  cause: {escape(cause)}", soft_wrap=True, highlight=False)
        if remedy := getattr(failure, "remedy", ""):
            console.print(f"  try:   {escape(remedy)}", soft_wrap=True, highlight=False)
