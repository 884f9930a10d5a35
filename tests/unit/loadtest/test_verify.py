"""`nineways verify`: all that were named are held against the contract, whoever does not stand."""

import json
from typing import TYPE_CHECKING, cast

from typer.testing import CliRunner

from deploy.catalog import VARIANTS
from deploy.console import Screen
from deploy.errors import StackError
from deploy.model import FOUNDATION, Output
from deploy.places import Where
from loadtest import cli, shown
from loadtest.run import Check, Verdict

if TYPE_CHECKING:
    from deploy.account import AccountPlace

runner = CliRunner(env={"COLUMNS": "200"})


class OneStands:
    """A place in which the first variant stands, at an address where nobody answers."""

    sqs = lambda_ = patience = name_server = None

    @property
    def cloudformation(self) -> "OneStands":
        return self

    def find(self, name: str) -> None:
        del name

    def output(self, output: Output) -> str:
        if output.stack in {FOUNDATION.name, VARIANTS[0].url.stack}:
            return "http://127.0.0.1:9"
        raise StackError(f"there is no stack {output.stack}", remedy="make it")

    def reach(self, url: str) -> str:
        return url


def open_one(where: Where, screen: Screen, *, start: bool, yes: bool) -> "AccountPlace":
    del where, screen, start, yes
    return cast("AccountPlace", OneStands())


def test_a_variant_that_does_not_stand_is_named_and_the_others_are_verified() -> None:
    result = runner.invoke(cli.app, ["verify", "all", "--json"], obj=open_one)

    told = json.loads(result.stdout)
    first, second, *_ = VARIANTS
    assert result.exit_code == 1
    assert list(told) == [variant.name for variant in VARIANTS]
    assert "no answer" in told[first.name][0]["reason"]
    (only,) = told[second.name]
    assert only["verdict"] == "failed"
    assert only["reason"] == f"there is no stack {second.url.stack}; make it"


def test_several_are_summed_up_at_the_end() -> None:
    result = runner.invoke(cli.app, ["verify", "all"], obj=open_one)

    rows = result.stdout.partition("in sum")[2]
    assert all(variant.name in rows for variant in VARIANTS)
    assert "0 of 1; 1 failed: standing" in rows


def check(name: str, verdict: Verdict, *, feature: str = "", reason: str = "") -> Check:
    return Check(name=name, promise=name.title(), verdict=verdict, feature=feature, reason=reason)


CHECKS = [
    check("sending", Verdict.PASSED),
    check("docs", Verdict.NOT_PROMISED, reason="no page"),
    check("key-right", Verdict.PASSED, feature="api-key"),
    check("slow-one", Verdict.SKIPPED, feature="timeout-29-s", reason="takes 30 s"),
]


def test_the_sum_says_what_was_not_promised_and_what_was_skipped() -> None:
    assert shown.summed(CHECKS) == "2 of 4; 1 not promised: docs; 1 skipped: slow-one"


def test_each_feature_s_probes_stand_under_its_name() -> None:
    lines = shown.checks_shown("direct", CHECKS).splitlines()

    assert "  [dim]with api-key[/]" in lines
    assert lines.index("  [dim]with api-key[/]") + 1 == lines.index("[green]✓[/] Key-Right")
    assert "    no page" in lines
