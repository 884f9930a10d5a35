"""The boot script, run for real: an ordinary machine, its own loopback address, no systemd.

(tests/container/ runs it under systemd, and on the service itself.)
"""

import os
import signal
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from deploy.artifacts import Target, build
from deploy.model import Artifact
from tests.unit.artifacts.machine import ADDRESS, Machine, is_alive, unpack, wait_until
from tests.unit.artifacts.project import Project, built


def test_a_bare_machine_serves_when_the_script_ends(machine: Machine, bundle: Path) -> None:
    done = machine.boot(bundle, NINEWAYS_VARIANT="ec2_eip", AWS_REGION="eu-west-1")

    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.ask()["NINEWAYS_VARIANT"] == "ec2_eip"
    steps = [line.split("s  ", 1)[1] for line in done.stdout.splitlines()]
    assert [step.split(":")[0].split(" in /")[0] for step in steps] == [
        f"find Python {Target.here().python}",
        f"install release {bundle.name.rsplit('-', 1)[1].removesuffix('.tar.gz')}",
        "ask which instance this is",
        "write the settings",
        "start web",
        "stop the worker",
        "wait until /readyz answers",
        "remove older releases",
        "in all",
    ]


def test_running_it_again_changes_nothing(machine: Machine, bundle: Path) -> None:
    machine.boot(bundle)
    files, service = machine.files(), machine.ask()["pid"]

    again = machine.boot(bundle)

    assert again.returncode == 0, again.stderr
    assert machine.files() == files
    assert machine.ask()["pid"] == service


def test_nothing_is_written_outside_its_folder(machine: Machine, bundle: Path) -> None:
    machine.boot(bundle)

    assert [path.name for path in (machine.folder / "home").iterdir()] == ["nineways"]
    unpacked = {path.name for path in (machine.folder / "work").iterdir()}
    assert unpacked == {"app", "install.sh", "release", "server.lock", "wheels", "instance-id"}


def test_another_version_replaces_the_one_that_runs(
    machine: Machine, bundle: Path, project: Project
) -> None:
    machine.boot(bundle, NINEWAYS_VERSION="1")
    old = machine.ask()["pid"]
    project.write("app/more.py", "")

    done = machine.boot(built(project), NINEWAYS_VERSION="2")

    assert done.returncode == 0, done.stderr
    assert machine.ask()["NINEWAYS_VERSION"] == "2"
    assert not is_alive(old)
    assert len(list((machine.home / "releases").iterdir())) == 1


def test_other_settings_start_the_same_release_again(machine: Machine, bundle: Path) -> None:
    machine.boot(bundle, NINEWAYS_QUEUE_URL="http://one")

    done = machine.boot(bundle, NINEWAYS_QUEUE_URL="http://two")

    assert "already there" in done.stdout
    assert machine.ask()["NINEWAYS_QUEUE_URL"] == "http://two"


def test_a_service_that_dies_is_started_again(machine: Machine, bundle: Path) -> None:
    machine.boot(bundle)
    first = machine.ask()["pid"]

    os.kill(first, signal.SIGKILL)

    wait_until(lambda: not is_alive(first))
    wait_until(machine.answers)
    assert machine.ask()["pid"] != first


def test_stopping_the_supervisor_stops_the_service(machine: Machine, bundle: Path) -> None:
    machine.boot(bundle)
    service, supervisor = machine.ask()["pid"], machine.supervisor()

    os.kill(supervisor, signal.SIGTERM)

    wait_until(lambda: not is_alive(supervisor))
    assert not is_alive(service)


def test_a_supervisor_that_is_killed_takes_its_service_along_and_the_script_heals_it(
    machine: Machine, bundle: Path
) -> None:
    machine.boot(bundle)
    service = machine.ask()["pid"]

    os.kill(machine.supervisor(), signal.SIGKILL)
    wait_until(lambda: not is_alive(service))
    done = machine.boot(bundle)

    assert done.returncode == 0, done.stderr
    assert machine.ask()["pid"] != service


def test_a_service_that_never_gets_ready_fails_the_boot_with_the_cause(
    machine: Machine, bundle: Path
) -> None:
    done = machine.boot(bundle, NINEWAYS_VARIANT="never-ready", NINEWAYS_READY_S="0.5")

    assert done.returncode == 1
    assert "not ready after 0.5 s: the service runs, but /readyz answers 503" in done.stderr
    assert "can it reach the queue" in done.stderr


def test_a_service_that_does_not_start_fails_the_boot_with_its_last_words(
    machine: Machine, bundle: Path
) -> None:
    done = machine.boot(bundle, NINEWAYS_VARIANT="crashing", NINEWAYS_READY_S="0.5")

    assert done.returncode == 1
    assert "the configuration makes no sense" in done.stdout
    assert "nothing listens at" in done.stderr


def test_a_service_of_somebody_else_on_the_port_is_not_taken_for_ours(
    machine: Machine, bundle: Path, tmp_path: Path
) -> None:
    machine.boot(bundle)
    second = Machine(tmp_path / "second", port=machine.port)
    try:
        done = second.boot(bundle, NINEWAYS_COMPUTE_ID="i-2", NINEWAYS_READY_S="0.5")
    finally:
        second.switch_off()

    assert done.returncode == 1
    assert "another service, i-1, answers" in done.stderr
    assert "Address already in use" in done.stdout


def test_the_queue_must_be_named(machine: Machine, bundle: Path) -> None:
    done = machine.boot(bundle, NINEWAYS_QUEUE_URL="")

    assert done.returncode == 1
    assert "NINEWAYS_QUEUE_URL is not set" in done.stderr


def test_a_wheel_that_was_changed_is_not_installed(
    machine: Machine, bundle: Path, project: Project
) -> None:
    project.lock("tiny==1.0 --hash=sha256:" + "0" * 64 + "\n")
    (project.root / "changed").mkdir()
    unpack(bundle, project.root / "changed")
    (project.root / "changed" / "server.lock").write_text(
        (project.root / "app/server.lock").read_text()
    )
    changed = project.root / "changed.tar.gz"
    with tarfile.open(changed, "w:gz") as archive:
        archive.add(project.root / "changed", ".")

    done = machine.boot(changed)

    assert done.returncode == 1
    assert "tiny-1.0-py3-none-any.whl is not the file that the lock names" in done.stderr
    assert not machine.answers()


def test_files_that_lie_around_are_not_imported(machine: Machine, bundle: Path) -> None:
    (machine.folder / "work").mkdir(parents=True)
    # The standard library has modules of these names, and the script uses them.
    for name in ("zipfile.py", "json.py", "queue.py"):
        (machine.folder / "work" / name).write_text("raise SystemExit('wrong file')")

    assert machine.boot(bundle).returncode == 0


def test_a_bundle_for_another_processor_is_refused(machine: Machine, project: Project) -> None:
    here = Target.here()
    other = Target(here.python, "arm64" if here.arch == "x86_64" else "x86_64")
    out = project.root.parent / "out"

    done = machine.boot(build(Artifact.BUNDLE, other, into=out, project=project.root).path)

    assert done.returncode == 1
    assert "this bundle is for" in done.stderr


def test_a_baked_image_has_all_but_the_service_running(machine: Machine, bundle: Path) -> None:
    baked = machine.boot(bundle, "--bake", NINEWAYS_QUEUE_URL="")
    assert baked.returncode == 0, baked.stderr
    assert not machine.answers()

    booted = machine.boot(bundle)

    assert "already there" in booted.stdout
    assert machine.answers()


def test_the_worker_runs_beside_it_when_asked_for(machine: Machine, bundle: Path) -> None:
    done = machine.boot(bundle, NINEWAYS_RUN_WORKER="true")
    assert done.returncode == 0, done.stderr
    worker = machine.supervisor("worker")
    assert is_alive(worker)

    machine.boot(bundle, NINEWAYS_RUN_WORKER="false")

    assert not is_alive(worker)


def test_settings_are_readable_by_their_owner_only(machine: Machine, bundle: Path) -> None:
    machine.boot(bundle, AWS_SECRET_ACCESS_KEY="not-a-secret")  # noqa: S106 - it is not

    settings = machine.home / "service.env"
    assert settings.stat().st_mode & 0o777 == 0o600
    assert "AWS_SECRET_ACCESS_KEY=not-a-secret" in settings.read_text().splitlines()


class Metadata(BaseHTTPRequestHandler):
    """IMDSv2: nothing is told without a token."""

    def do_PUT(self) -> None:
        self._say(200, "a-token")

    def do_GET(self) -> None:
        known = self.headers["X-aws-ec2-metadata-token"] == "a-token"
        self._say(200 if known else 401, "i-0abc" if known else "")

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def test_the_instance_id_comes_from_the_metadata_service(machine: Machine, bundle: Path) -> None:
    with ThreadingHTTPServer((ADDRESS, 0), Metadata) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        done = machine.boot(
            bundle,
            NINEWAYS_COMPUTE_ID="",
            AWS_EC2_METADATA_SERVICE_ENDPOINT=f"http://{ADDRESS}:{server.server_port}",
        )
        server.shutdown()

    assert done.returncode == 0, done.stderr
    assert machine.ask()["compute_id"] == "i-0abc"
    assert (machine.folder / "work" / "instance-id").read_text() == "i-0abc\n"
