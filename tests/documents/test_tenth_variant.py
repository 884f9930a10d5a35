"""A variant of your own is one folder and one line of the catalog: nothing else has to change."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import deploy

ROOT = Path(str(deploy.__file__)).parents[1]
MODEL, COPY = "alb_ecs_fargate", "tenth"
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
NINEWAYS = ("-c", "from loadtest.cli import main; main()")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with one more variant: the fifth once more, under another name."""
    there = tmp_path_factory.mktemp("project")
    leave_out = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("app", "deploy", "docker", "loadtest", "tests"):
        shutil.copytree(ROOT / name, there / name, ignore=leave_out)
    for name in (*PAGES, "Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, there / name)
    add_variant(there / "deploy")
    run(there, "-m", "tests.documents")
    return there


def add_variant(folder: Path) -> None:
    """The folder, and the line of the catalog."""
    shutil.copytree(folder / MODEL, folder / COPY)
    for path in (folder / COPY).iterdir():
        text = path.read_text(encoding="utf-8")
        for old, new in ((MODEL, COPY), (dashed(MODEL), COPY), (MODEL.upper(), COPY.upper())):
            text = text.replace(old, new)
        text = re.sub(r"^# \d+\. ", "# 10. ", text).replace("number=5", "number=10")
        path.write_text(text, encoding="utf-8")
    catalog = folder / "catalog.py"
    listed = catalog.read_text(encoding="utf-8")
    listed = listed.replace("\n)\n", f"\n    {COPY.upper()},\n)\n", 1)
    wanted = f"from deploy.{COPY}.variant import {COPY.upper()}\n"
    catalog.write_text(listed.replace("\nVARIANTS", f"{wanted}\nVARIANTS", 1), encoding="utf-8")


def dashed(slug: str) -> str:
    return slug.replace("_", "-")


def run(project: Path, *arguments: str) -> str:
    """Run Python there; it must succeed."""
    # The project itself is installed here: there it must not be found first.
    environment = os.environ | {"PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_command_lists_and_plans_it(project: Path) -> None:
    listed = json.loads(run(project, *NINEWAYS, "list", "--json"))
    planned = run(project, *NINEWAYS, "plan", COPY)

    assert listed[-1]["name"] == COPY
    assert f"deploy stack nineways-{COPY} from {COPY}/template.yaml" in planned


def test_the_plan_for_all_has_it(project: Path) -> None:
    assert f"nineways-{COPY} from" in run(project, *NINEWAYS, "plan", "all")


def test_readme_its_picture_and_its_diagram_have_it(project: Path) -> None:
    assert f"| 10 | [`{COPY}`](deploy/{COPY}/README.md) |" in (project / "README.md").read_text()
    assert f"10  {COPY}" in (project / "deploy" / "overview.svg").read_text()
    assert (project / "deploy" / COPY / "diagram.svg").exists()


def test_templates_and_documents_pass_their_tests_with_it(project: Path) -> None:
    said = run(
        project,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/templates", "tests/documents"),
        *("--deselect", "tests/documents/test_tenth_variant.py"),
    )

    assert " passed" in said
