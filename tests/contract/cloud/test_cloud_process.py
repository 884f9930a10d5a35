"""The process: what it binds, where it writes, how it ends."""

import io
import signal
import zipfile
from pathlib import Path

import pytest

from deploy.lab.processes import descendants
from tests.contract.cloud.conftest import Cloud, running, until

pytestmark = pytest.mark.lab

LISTENING = "0A"


def listeners(pid: int) -> set[str]:
    """The addresses, as /proc/net/tcp writes them, that a process listens on."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(str(entry.readlink()).removeprefix("socket:[").removesuffix("]"))
        except OSError:
            continue
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (fields[3] == LISTENING or table.startswith("udp")):
                found.add(f"{table} {fields[1]}")
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def make_function(cloud: Cloud, source: str, name: str = "f") -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("index.py", source)
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=20,
    )


def test_it_listens_on_its_own_address_only(cloud: Cloud) -> None:
    cloud.client("sqs").create_queue(QueueName="any")

    octet = cloud.addresses.octet
    assert listeners(cloud.process.pid) == {f"tcp 0100{octet:02X}7F:{4566:04X}"}


def test_sigterm_ends_it_with_its_functions_and_its_temporary_files(tmp_path: Path) -> None:
    with running(tmp_path) as cloud:
        make_function(cloud, "def handler(event, context): return 1")
        cloud.client("lambda").invoke(FunctionName="f")
        workers = descendants(cloud.process.pid)
        assert workers

        cloud.process.terminate()
        assert cloud.process.wait(10) == 0

    assert not any(is_alive(worker) for worker in workers)
    assert [path.name for path in tmp_path.iterdir()] == ["cloud.log"]


def test_a_killed_control_plane_takes_its_functions_with_it(tmp_path: Path) -> None:
    source = "import time\ndef handler(event, context): time.sleep(60)"
    with running(tmp_path) as cloud:
        make_function(cloud, source)
        cloud.client("lambda").invoke(FunctionName="f", InvocationType="Event")
        workers = until("the function to run", lambda: descendants(cloud.process.pid))

        cloud.process.send_signal(signal.SIGKILL)
        cloud.process.wait(10)

        until("its process to end", lambda: not any(is_alive(worker) for worker in workers))


def test_unpacked_code_lies_in_the_folder_of_the_lab(cloud: Cloud) -> None:
    make_function(cloud, "def handler(event, context): return __file__", "where")

    answer = cloud.client("lambda").invoke(FunctionName="where")["Payload"].read().decode()

    assert str(cloud.directory / "tmp") in answer
