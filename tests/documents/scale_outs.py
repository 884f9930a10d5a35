"""The table of timed scale-outs, made from `loadtest/scale_outs.json`."""

from pathlib import Path

import deploy
from loadtest.scaling_cases import RECORD, Record, Timed
from loadtest.timeline import Step

PATH = Path(str(deploy.__file__)).parent / "lab" / "README.md"

BEGIN = "<!-- made from loadtest/scale_outs.json by `python -m tests.documents`: begin -->\n"
END = "<!-- made from loadtest/scale_outs.json: end -->\n"

# What is waited for, in the words of the table.
COLUMNS = {
    "alarm": (Step.BREACH, Step.DETECT),
    "decision and launch": (Step.DECIDE, Step.LAUNCH),
    "it runs": (Step.PROVISION,),
    "healthy and first answer": (Step.HEALTHY, Step.FIRST_REQUEST, Step.FIRST_ANSWER),
}


def recorded() -> Record:
    """Read what was measured."""
    return Record.model_validate_json(RECORD.read_text(encoding="utf-8"))


def table(record: Record) -> str:
    """A row for each way of growing; seconds, those that the lab shortens at AWS's length."""
    heads = ["way of growing", "grew", *COLUMNS, "in all"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    lines += [_row(case) for case in record.cases]
    where = record.environment
    told = (
        f"Measured on {record.measured_on.isoformat()} in a lab {where.speed:g} times as fast as "
        f"AWS, on {where.cores} cores ({where.machine}), by `python -m loadtest.scaling_record`."
    )
    below = [
        f"In the row *{case.title}*, the new tasks found no room: a new instance ran "
        f"{sum(one.aws_s for one in case.below):.0f} s after the load had changed, "
        "and they waited for it."
        for case in record.cases
        if case.below
    ]
    return "\n".join([*lines, "", told, *below]) + "\n"


def _row(case: Timed) -> str:
    settings = ", ".join(f"`{name}={value}`" for name, value in case.settings.items())
    name = f"{case.title} (`{case.variant}`{', ' + settings if settings else ''})"
    cells = [f"{case.until(*steps):.0f} s" for steps in COLUMNS.values()]
    grew = f"{case.before} → {case.desired}"
    return f"| {' | '.join([name, grew, *cells, f'**{case.all_aws_s:.0f} s**'])} |"


def with_table(text: str, record: Record) -> str:
    """The same text with what stands between the two marks made anew."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the lab's README has lost a mark: {BEGIN.strip()} … {END.strip()}")
    return before + begin + table(record) + end + after
