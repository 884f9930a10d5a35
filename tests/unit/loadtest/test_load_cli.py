import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from deploy.catalog import VARIANTS
from deploy.console import Screen
from deploy.errors import BadInputError
from deploy.places import On, Where
from loadtest import archive, cli, shapes, shown
from loadtest.conduct import command_line
from loadtest.contract import CHECKS
from loadtest.load_cli import Shape, shape_of
from loadtest.options import able_to, served
from loadtest.scenarios import NEEDS, SCENARIOS
from loadtest.summary import summarise
from loadtest.targets import Target, by_url
from tests.unit.loadtest.runs import LOAD, everything

runner = CliRunner()


def test_a_url_gets_its_name() -> None:
    target = by_url("mine=http://127.0.0.1:8000/stage/")

    assert (target.name, target.url) == ("mine", "http://127.0.0.1:8000/stage")
    assert target.slug is None


@pytest.mark.parametrize("text", ["mine", "http://127.0.0.1", "=http://x", "a/b=http://x", "a=x"])
def test_what_is_no_named_url_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        by_url(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "no-such-variant"], "no variant called 'no-such-variant'"),
        (["compare", "--url", "nonsense"], "no named URL"),
        (["compare", "--url", "a=http://127.0.0.1", "--scenario", "x"], "no scenario called 'x'"),
        (["compare", "--url", "a=http://127.0.0.1", "--habits", "x"], "no habit called 'x'"),
        (["load", "no-such-variant"], "no variant called 'no-such-variant'"),
        (["load"], "one thing is loaded"),
        (["load", "ec2-eip", "--url", "a=http://127.0.0.1"], "one thing is loaded"),
        (["load", "ec2-eip", "--shape", "step"], "changes to another rate"),
        (["load", "ec2-eip", "--to", "50"], "a constant load has no --to"),
        (["load", "ec2-eip", "--shape", "ramp", "--to", "5", "--at", "3"], "has no --at"),
        (["load", "ec2-eip", "--shape", "step", "--to", "5", "--at", "60"], "after 60 s"),
        (["load", "ec2-eip", "--rate", "0"], "no request is ever due"),
        (["load", "ec2-eip", "--scenario", "x"], "no scenario called 'x'"),
        (["load", "ec2-eip", "--habits", "x"], "no habit called 'x'"),
        (["report", "nowhere"], "nowhere holds no comparison"),
    ],
)
def test_bad_input_gets_one_clear_error(arguments: list[str], said: str) -> None:
    result = runner.invoke(cli.app, arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("typed", "made"),
    [
        ((Shape.CONSTANT, None, None, None), shapes.Constant(20)),
        ((Shape.STEP, 200, None, None), shapes.Step(20, 200, 10)),
        ((Shape.STEP, 200, 0, None), shapes.Step(20, 200, 0)),
        ((Shape.RAMP, 200, None, None), shapes.Ramp(20, 200, 60)),
        ((Shape.RAMP, 200, None, 30), shapes.Ramp(20, 200, 30)),
        ((Shape.SPIKE, 200, 30, 5), shapes.Spike(20, 200, 30, 5)),
    ],
)
def test_what_is_typed_becomes_a_shape(
    typed: tuple[Shape, float | None, float | None, float | None], made: shapes.NamedShape
) -> None:
    shape, to, at, over = typed

    assert shape_of(shape, 20, to=to, at=at, over=over, seconds=60) == made
    assert shapes.parse(str(made)) == made


NO_COMPUTE = {"identity": "no compute", "work": "no compute"}


def test_a_variant_is_sent_what_it_serves_and_that_is_said() -> None:
    said: list[object] = []
    direct = replace(VARIANTS[0], not_promised=NO_COMPUTE)

    assert served(None, VARIANTS[0], said.append) == "mixed"
    assert said == []
    assert served(None, direct, said.append) == "send"
    assert said == [f"{direct.name} is sent 'send', for it does not serve 'mixed': no compute"]
    assert served("send", direct, said.append) == "send"


@pytest.mark.parametrize("scenario", ["whoami", "mixed", "work"])
def test_what_was_chosen_and_is_not_served_is_refused(scenario: str) -> None:
    direct = replace(VARIANTS[0], not_promised=NO_COMPUTE)

    with pytest.raises(BadInputError, match=f"does not serve '{scenario}'") as refused:
        served(scenario, direct, lambda _: None)

    assert refused.value.remedy == "--scenario send"


def test_a_comparison_leaves_out_who_cannot_take_part() -> None:
    whole = Target(name="whole", url="http://127.0.0.1:9")
    direct = replace(whole, name="direct", not_promised=NO_COMPUTE)
    console = Console(file=io.StringIO(), width=200)
    screen = Screen(err=console)

    assert able_to("send", [whole, direct], screen) == [whole, direct]
    assert able_to("mixed", [whole, direct], screen) == [whole]
    assert "direct is left out" in console.file.getvalue()  # type: ignore[attr-defined]
    with pytest.raises(BadInputError, match="nobody here serves 'work'"):
        able_to("work", [direct], screen)


def test_what_each_scenario_needs_are_checks_of_the_contract() -> None:
    checks = {check.__name__ for check in CHECKS}

    assert SCENARIOS.keys() == NEEDS.keys()
    assert checks.issuperset(name for names in NEEDS.values() for name in names)


def test_verify_of_nobody_fails_every_check_and_says_why() -> None:
    # Port 9 is the discard service; nothing listens there.
    result = runner.invoke(cli.app, ["verify", "--url", "nobody=http://127.0.0.1:9", "--json"])

    checks = json.loads(result.stdout)["nobody"]
    assert result.exit_code == 1
    assert {check["verdict"] for check in checks} == {"failed", "skipped"}
    assert "no answer" in checks[0]["reason"]


def test_report_makes_the_page_again(tmp_path: Path) -> None:
    run, samples = everything()
    run.write(tmp_path)
    archive.write(tmp_path, samples)

    result = runner.invoke(cli.app, ["report", str(tmp_path)])

    assert result.exit_code == 0
    assert (tmp_path / "report.html").exists()


def test_the_command_to_repeat_a_run_says_everything_that_was_chosen() -> None:
    line = command_line(["ec2-eip"], ["my own=http://x"], LOAD, where=Where(On.AWS, region="eu"))

    assert line.startswith("nineways compare ec2-eip '--url=my own=http://x' --rate=40 ")
    assert "--seed=1" in line
    assert line.endswith(" --on aws --region eu")


def test_the_tables_fit_into_80_columns() -> None:
    run, samples = everything()
    console = Console(width=80, file=io.StringIO())

    for table in shown.tables(run, summarise(run, samples)):
        assert console.measure(table).minimum <= 80
        console.print(table)

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "not loaded" in text
    assert "2 lost, 1 twice" in text
    assert "…" not in text


def test_the_answer_for_programs_has_every_figure() -> None:
    run, samples = everything()

    answer = json.loads(json.dumps(shown.as_json(run, summarise(run, samples), report="r.html")))

    fast, slow, wrong = answer["variants"]
    assert fast["latency_ms"]["p99"].keys() == {"value", "low", "high"}
    assert slow["messages"]["lost"] == 2
    assert wrong["verified"] is False
    assert wrong["failed_checks"][0]["reason"] == "it answered 500"
    assert answer["void_rounds"][0]["subject"] == "fast"
