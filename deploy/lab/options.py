"""The options that the lab's commands share."""

from typing import Annotated, TypeAlias

import typer

Name: TypeAlias = Annotated[
    str,
    typer.Option(
        "--name", "--lab", envvar="NINEWAYS_LAB", help="Which lab; several may be up side by side."
    ),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Answer in JSON on stdout; progress stays on stderr.")
]
