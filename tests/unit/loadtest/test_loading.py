"""`nineways load` for real, by URL, against a server that tells who it is: seconds of load each."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.lab.processes import carries, marked
from deploy.waiting import Patience
from loadtest import archive
from loadtest.loaded import Loaded

# Every process of a test carries it in its environment.
MARK = "NINEWAYS_TEST_OF_LOAD"
COMMAND = (sys.executable, "-c", "from loadtest.cli import main; main()", "load")
soon = Patience(every_s=0.05)


class Handler(BaseHTTPRequestHandler):
    """Says who it is, whatever is asked; from the twentieth question on, it is another."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        body = json.dumps({"compute_id": "old" if self.asked < 20 else "new"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Handler.asked = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"mine=http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def start(url: str, folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, f"--url={url}", "--scenario=whoami", f"--out={folder}", *options],
        env={"PATH": "/usr/bin:/bin", MARK: str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read(folder: Path) -> Loaded:
    return Loaded.model_validate_json((folder / "timeline.json").read_text())


def test_a_step_is_offered_and_what_happened_is_kept(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shape = ("--shape=step", "--rate=10", "--to=40", "--at=1", "--seconds=2")

    out, err = start(url, folder, *shape, "--json").communicate(timeout=60)

    told = json.loads(out)
    assert [stretch["asked"] for stretch in told["stretches"]] == [10, 40]
    assert [stretch["errors"] for stretch in told["stretches"]] == [{}, {}]
    assert told["command"].startswith(f"nineways load --url={url} --shape=step --rate=10 --to=40")
    loaded = read(folder)
    answers = [one.machine for one in loaded.timeline.moments if one.step == "first-answer"]
    assert answers == ["old", "new"]
    assert len(archive.read(folder)["mine", 1]) == 50
    assert {path.name for path in folder.iterdir()} == {"samples.parquet", "timeline.json"}
    # Progress is for people, and goes to stderr.
    assert "new gives its first answer" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_keeps_what_was_measured_and_leaves_nothing_running(
    url: str, tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "run"
    process = start(url, folder, "--rate=20", "--seconds=600")
    soon.until(lambda: Handler.asked > 10, what="the load to begin", timeout_s=30)
    # One sees the load only after a look at it.
    soon.until(lambda: bool((folder / "samples.csv").read_text()), what="samples", timeout_s=30)

    process.send_signal(number)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "interrupted after" in err
    assert "from here on, 20/s are offered" in out
    loaded = read(folder)
    assert loaded.was_interrupted
    assert len(archive.read(folder)["mine", 1]) >= 5
    assert not loaded.fell_behind
    assert marked(str(folder), MARK) == []


def test_a_generator_does_not_outlive_a_command_that_was_killed(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start(url, folder, "--rate=20", "--seconds=600")
    soon.until(lambda: Handler.asked > 10, what="the load to begin", timeout_s=30)
    assert any(carries(pid, str(folder), MARK) for pid in marked(str(folder), MARK))

    process.kill()
    process.communicate(timeout=30)

    soon.until(lambda: not marked(str(folder), MARK), what="Locust to end", timeout_s=10)
    # And even so, each sample is on disk.
    assert (folder / "samples.csv").read_text().count("GET /whoami") >= 5


def test_interrupted_before_anything_was_measured_it_leaves_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start("nobody=http://127.0.0.1:9", folder, "--rate=0.1", "--seconds=600")
    soon.until(folder.exists, what="the run to begin", timeout_s=30)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert not folder.exists()
    assert marked(str(folder), MARK) == []


def test_a_service_that_is_not_there_is_a_result(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start("nobody=http://127.0.0.1:9", folder, "--rate=20", "--seconds=1")

    out, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "none of the 20 requests was answered as it should" in out
    assert read(folder).stretches[0].failed == 20


def test_a_load_whose_last_request_is_long_before_its_end_was_not_interrupted(
    url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    process = start(url, folder, "--rate=0.5", "--seconds=4")

    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, out + err
    assert "interrupted" not in err
    assert read(folder).lasted_s == 4
