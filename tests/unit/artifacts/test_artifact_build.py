"""What a build makes, when it makes it anew, and what a failed one leaves behind."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from deploy.artifacts import BuildError, Built, Target, build
from deploy.artifacts.builder import PROJECT
from deploy.artifacts.locks import requirements
from deploy.artifacts.recipes import RUNTIME_HAS
from deploy.model import Artifact
from tests.unit.artifacts.project import Project

if TYPE_CHECKING:
    from deploy.artifacts.target import Arch

HERE = Target.here()
ELSEWHERE = replace(HERE, python="3.14" if HERE.python != "3.14" else "3.13")


def made(project: Project, artifact: Artifact, target: Target = HERE, into: str = "out") -> Built:
    return build(artifact, target, into=project.root.parent / into, project=project.root)


def finished(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_the_bundle_holds_all_that_a_bare_machine_needs(project: Project) -> None:
    bundle = made(project, Artifact.BUNDLE)

    with tarfile.open(bundle.path) as archive:
        names = set(archive.getnames())
        release = archive.extractfile("release")
        assert release is not None
        assert release.read().decode().splitlines() == [
            f"release={bundle.digest}",
            f"wanted_python={HERE.python}",
            f"wanted_arch={HERE.arch}",
        ]
    assert {
        "install.sh",
        "server.lock",
        "app/entrypoints/web.py",
        "wheels/tiny-1.0-py3-none-any.whl",
    } <= names
    assert bundle.path.name == f"bundle-{HERE.python}-{HERE.arch}-{bundle.digest}.tar.gz"


def test_the_zip_holds_the_service_and_its_wheels_compiled_for_this_python(
    project: Project,
) -> None:
    built = made(project, Artifact.LAMBDA_ZIP)

    names = set(zipfile.ZipFile(built.path).namelist())
    tag = sys.implementation.cache_tag
    assert built.compiled
    assert {"app/entrypoints/web.py", "tiny.py", f"__pycache__/tiny.{tag}.pyc"} <= names
    assert not [name for name in names if name.endswith(".lock") or ".data/" in name]


def test_a_zip_for_another_python_says_that_it_is_not_compiled(project: Project) -> None:
    built = made(project, Artifact.LAMBDA_ZIP, ELSEWHERE)

    assert not built.compiled
    assert not [n for n in zipfile.ZipFile(built.path).namelist() if n.endswith(".pyc")]


def test_compiled_files_are_used_whatever_time_the_sources_have(
    project: Project, tmp_path: Path
) -> None:
    built = made(project, Artifact.LAMBDA_ZIP)
    shutil.unpack_archive(built.path, tmp_path / "task")
    # Were the source looked at, this would be a syntax error.
    (tmp_path / "task" / "tiny.py").write_text("not python")

    loaded = subprocess.run(
        [sys.executable, "-c", "import tiny; print(tiny.SIZE)"],
        cwd=tmp_path / "task",
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "1\n"


@pytest.mark.parametrize("artifact", [Artifact.BUNDLE, Artifact.LAMBDA_ZIP])
def test_two_builds_in_different_folders_are_the_same_bytes(
    project: Project, artifact: Artifact
) -> None:
    first, second = made(project, artifact, into="one"), made(project, artifact, into="two")

    assert first.fresh
    assert second.fresh
    assert first.path.read_bytes() == second.path.read_bytes()


def test_files_in_the_zip_are_readable_by_the_user_that_lambda_runs_them_as(
    project: Project,
) -> None:
    built = made(project, Artifact.LAMBDA_ZIP)

    modes = {entry.external_attr >> 16 for entry in zipfile.ZipFile(built.path).infolist()}
    assert modes == {0o100644}


def test_the_image_is_a_folder_with_the_command_of_the_dockerfile(project: Project) -> None:
    image = made(project, Artifact.IMAGE)

    config = json.loads((image.path / "config.json").read_text())
    assert config["Cmd"] == ["python", "-m", "app.entrypoints.web"]
    assert (image.path / "site-packages" / "tiny.py").exists()
    assert (image.path / "app" / "entrypoints" / "web.py").exists()
    assert image.path.name == f"image-{image.digest}"


def test_nothing_is_done_when_nothing_changed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(project, Artifact.BUNDLE)
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")

    again = made(project, Artifact.BUNDLE)

    assert again == replace(first, fresh=False)


@pytest.mark.parametrize(
    ("changed", "artifacts"),
    [
        ("app/entrypoints/web.py", {Artifact.BUNDLE, Artifact.LAMBDA_ZIP, Artifact.IMAGE}),
        ("app/new.json", {Artifact.BUNDLE, Artifact.LAMBDA_ZIP, Artifact.IMAGE}),
        ("deploy/artifacts/install.sh", {Artifact.BUNDLE}),
        ("docker/Dockerfile", {Artifact.IMAGE}),
        ("app/__pycache__/web.cpython-311.pyc", set[Artifact]()),
        ("README.md", set[Artifact]()),
    ],
)
def test_what_a_change_builds_anew(
    project: Project, changed: str, artifacts: set[Artifact]
) -> None:
    before = {artifact: made(project, artifact).digest for artifact in Artifact}
    file = project.root / changed
    project.write(changed, (file.read_text() if file.exists() else "") + "\n")

    after = {artifact: made(project, artifact).digest for artifact in Artifact}

    assert {artifact for artifact in Artifact if before[artifact] != after[artifact]} == artifacts


def test_a_build_that_was_killed_leaves_nothing_that_counts(project: Project) -> None:
    out = project.root.parent / "out"
    bundle = made(project, Artifact.BUNDLE)
    bundle.path.unlink()
    (out / f".draft-{bundle.path.name}").mkdir()
    (out / f".draft-{bundle.path.name}" / "content.tar.gz").write_text("half a bundle")

    again = made(project, Artifact.BUNDLE)

    assert again.fresh
    assert tarfile.is_tarfile(again.path)
    assert not [name for name in finished(out) if name.startswith(".draft")]


def test_two_processes_that_build_the_same_share_one_result(
    project: Project, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from deploy.artifacts import *;"
        "from deploy.model import Artifact;"
        "built = build(Artifact.IMAGE, Target.here(),"
        " into=Path(sys.argv[1]), project=Path(sys.argv[2]));"
        "print(built.fresh)"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "out"), str(project.root)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    answers = sorted(process.communicate()[0] for process in both)

    assert answers == ["False\n", "True\n"]


def test_only_the_newest_few_of_a_kind_are_kept(project: Project) -> None:
    digests = []
    for number in range(5):
        project.write("app/number.py", f"NUMBER = {number}\n")
        built = made(project, Artifact.IMAGE)
        os.utime(built.path, ns=(number, number))
        digests.append(built.digest)

    kept = {name for name in finished(project.root.parent / "out") if name.startswith("image-")}

    assert kept == {f"image-{digest}" for digest in digests[-3:]}


def test_a_version_without_a_wheel_for_the_target_is_named(project: Project) -> None:
    only_here = project.add_wheel("native", {}, tag="cp311-cp311-manylinux2014_x86_64")
    project.lock(only_here)

    with pytest.raises(BuildError, match=r"no binary wheel for Python 3.13 on arm64(?s:.*)native"):
        made(project, Artifact.BUNDLE, Target("3.13", "arm64"))


def test_a_wheel_that_is_not_what_the_lock_names_is_refused(project: Project) -> None:
    project.lock("tiny==1.0 --hash=sha256:" + "0" * 64 + "\n")

    with pytest.raises(BuildError, match="not what the lock names"):
        made(project, Artifact.BUNDLE)


def test_without_a_network_the_error_says_what_is_needed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")

    with pytest.raises(BuildError, match="package index cannot be reached"):
        made(project, Artifact.BUNDLE)


def test_a_source_that_does_not_compile_is_named(project: Project) -> None:
    project.write("app/broken.py", "def\n")

    with pytest.raises(BuildError, match=r"does not compile(?s:.*)broken.py"):
        made(project, Artifact.LAMBDA_ZIP)
    assert not [
        name for name in finished(project.root.parent / "out") if not name.startswith("wheels-")
    ]


NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.whl")


@pytest.mark.parametrize(
    "error", [NO_SPACE, shutil.Error([("a.whl", "b.whl", str(NO_SPACE))])], ids=["file", "tree"]
)
def test_a_full_disk_is_said_to_be_full(project: Project, error: OSError) -> None:
    def disk_is_full(_: str) -> None:
        raise error

    with pytest.raises(BuildError, match=r"no space is left .* MB free"):
        build(
            Artifact.BUNDLE,
            HERE,
            into=project.root.parent / "out",
            project=project.root,
            report=disk_is_full,
        )


def test_a_folder_that_cannot_be_written_is_named(project: Project, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file, where the folder should be")

    with pytest.raises(BuildError, match=r"cannot build into .*/out"):
        made(project, Artifact.BUNDLE)


def test_progress_is_told(project: Project, told: list[str], report: Callable[[str], None]) -> None:
    build(
        Artifact.LAMBDA_ZIP,
        HERE,
        into=project.root.parent / "out",
        project=project.root,
        report=report,
    )

    assert told[0] == f"fetching 1 wheels for {HERE}"
    assert told[1].endswith("with compiled files")


@pytest.mark.parametrize("name", ["server.lock", "lambda.lock"])
def test_no_locked_requirement_depends_on_the_python_that_builds(name: str) -> None:
    # pip judges a marker such as `; python_version < "3.13"` by the interpreter that runs it, not
    # by the one it fetches for: the lock must be the same for all.
    assert ";" not in (PROJECT / "app" / name).read_text()


def test_what_the_runtime_has_is_still_what_boto3_brings() -> None:
    assert set(requirements((PROJECT / "app" / "lambda.lock").read_text())) >= RUNTIME_HAS


def test_unknown_targets_are_refused_with_what_there_is() -> None:
    with pytest.raises(BuildError, match=r"Python 3.11, 3.12, 3.13, 3.14; not for '3.10'"):
        Target("3.10", "x86_64")
    with pytest.raises(BuildError, match="x86_64 and arm64; not for 'riscv'"):
        Target("3.13", cast("Arch", "riscv"))


def test_wheels_are_no_newer_than_the_runtimes_c_library() -> None:
    assert Target("3.11", "arm64").platforms[0] == "manylinux_2_26_aarch64"
    assert Target("3.13", "x86_64").platforms[0] == "manylinux_2_28_x86_64"
