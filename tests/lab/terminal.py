"""Somebody at a terminal, with a lab of their own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.lab.status import LABS

# The installed command, beside the interpreter that runs the tests.
NINEWAYS = Path(sys.executable).with_name("nineways")


@dataclass(frozen=True)
class Terminal:
    """Types commands; the lab and the temporary folder are its own."""

    lab: str
    temporary: Path

    @property
    def folder(self) -> Path:
        return LABS / self.lab

    def nineways(self, *arguments: str) -> Any:  # noqa: ANN401  JSON
        """Type a command and read its answer; it must succeed."""
        done = subprocess.run(
            [NINEWAYS, *arguments, "--json"],
            env=os.environ | {"NINEWAYS_LAB": self.lab, "TMPDIR": str(self.temporary)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}:\n{done.stderr}"
        return json.loads(done.stdout)
