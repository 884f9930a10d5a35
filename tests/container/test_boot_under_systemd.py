"""install.sh as root on a bare Debian that systemd runs: the way an EC2 instance boots."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.artifacts import BuildError, build
from deploy.artifacts.container import Engine
from deploy.model import Artifact
from tests.container.conftest import TARGET, Base

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

# Answers what the service asks a queue when it wants to know whether it is ready.
QUEUE = """
import http.server

class Queue(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        waiting = ("", "NotVisible", "Delayed")
        names = ", ".join('"ApproximateNumberOfMessages%s": "0"' % name for name in waiting)
        answer = ('{"Attributes": {%s}}' % names).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

http.server.ThreadingHTTPServer(("127.0.0.1", 9324), Queue).serve_forever()
"""
SETTINGS = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9324",
    "NINEWAYS_QUEUE_URL": "http://127.0.0.1:9324/000000000000/queue",
    "NINEWAYS_COMPUTE_ID": "i-0abc",
    "NINEWAYS_PORT": "80",
    "NINEWAYS_RUN_WORKER": "true",
}
ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.1/whoami').read().decode())"


class Instance:
    """A container with systemd as its first process and no network but loopback."""

    name = "nineways-test-instance"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def do(self, *command: str) -> str:
        environment = [part for pair in SETTINGS.items() for part in ("--env", "=".join(pair))]
        return self.engine.run("exec", "--workdir", "/root", *environment, self.name, *command)

    def succeeds(self, *command: str, within_s: float = 30) -> bool:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with suppress(BuildError):
                self.do(*command)
                return True
            time.sleep(0.2)
        return False


@pytest.fixture(scope="module")
def instance(
    engine: Engine, stand_in: Base, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    instance = Instance(engine)
    queue = tmp_path_factory.mktemp("queue") / "queue_stub.py"
    queue.write_text(QUEUE)
    bundle = build(Artifact.BUNDLE, TARGET)
    options = ("--detach", "--name", instance.name, "--systemd=always", "--privileged")
    with suppress(BuildError):
        engine.run("rm", "--force", instance.name)
    engine.run("run", *options, "--network", "none", stand_in.reference, "/sbin/init")
    try:
        if not instance.succeeds("test", "-S", "/run/systemd/private"):
            pytest.skip("systemd does not run in a container on this machine")
        _copy(engine, bundle.path, instance, "bundle.tar.gz")
        _copy(engine, queue, instance, "queue_stub.py")
        instance.do("systemd-run", "--quiet", "/usr/bin/python3", "/root/queue_stub.py")
        instance.do("tar", "-xzf", "bundle.tar.gz")
        yield instance
    finally:
        engine.run("rm", "--force", instance.name)


def _copy(engine: Engine, file: Path, instance: Instance, name: str) -> None:
    engine.run("cp", str(file), f"{instance.name}:/root/{name}")


@pytest.fixture(scope="module")
def booted(instance: Instance) -> str:
    return instance.do("bash", "install.sh")


def test_a_bare_machine_serves_on_port_80_when_the_script_ends(
    instance: Instance, booted: str
) -> None:
    assert "wait until /readyz answers" in booted
    told = json.loads(instance.do("python3", "-c", ASK))
    assert told["compute"] == "instance"
    assert told["compute_id"] == "i-0abc"


def test_the_service_runs_as_a_user_of_its_own_with_the_one_right_it_needs(
    instance: Instance, booted: str
) -> None:
    assert booted
    main = instance.do("systemctl", "show", "--property=MainPID", "--value", "nineways-web").strip()
    status = dict(
        line.split(":", 1) for line in instance.do("cat", f"/proc/{main}/status").splitlines()
    )

    assert status["Uid"].split()[0] == instance.do("id", "-u", "nineways").strip()
    net_bind_service = 1 << 10
    assert int(status["CapEff"], 16) == net_bind_service
    assert status["NoNewPrivs"].strip() == "1"


@pytest.mark.parametrize("unit", ["nineways-web", "nineways-worker"])
def test_the_units_are_sound_and_confined(instance: Instance, booted: str, unit: str) -> None:
    assert booted
    assert not instance.do("systemd-analyze", "verify", f"{unit}.service").strip()
    # systemd's own score, from 0 (confined) to 100 (exposed); an ordinary unit has 96.
    instance.do("systemd-analyze", "security", "--threshold=20", "--no-pager", unit)
    assert instance.do("systemctl", "is-enabled", unit).strip() == "enabled"


def test_a_service_that_is_killed_comes_back(instance: Instance, booted: str) -> None:
    assert booted
    instance.do("systemctl", "kill", "--signal=KILL", "nineways-web")
    restarted = "systemctl show --property=NRestarts --value nineways-web | grep -qx 1"
    assert instance.succeeds("bash", "-c", restarted)
    assert instance.succeeds("python3", "-c", ASK)


def test_running_it_again_restarts_nothing(instance: Instance, booted: str) -> None:
    assert booted
    show = ("systemctl", "show", "--property=MainPID", "nineways-web", "nineways-worker")
    before = instance.do(*show)

    again = instance.do("bash", "install.sh")

    assert again.count("already running") == 2
    assert instance.do(*show) == before


def test_the_worker_goes_when_it_is_no_longer_wanted(instance: Instance, booted: str) -> None:
    assert booted
    instance.do("env", "NINEWAYS_RUN_WORKER=false", "bash", "install.sh")

    with pytest.raises(BuildError):
        instance.do("systemctl", "is-active", "nineways-worker")
    instance.do("systemctl", "is-active", "nineways-web")
