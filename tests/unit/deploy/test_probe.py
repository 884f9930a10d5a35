import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy import probe


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = {
            "/good": (200, b'{"compute_id": "i-1"}'),
            "/list": (200, b"[1]"),
            "/text": (200, b"hello"),
        }.get(self.path, (503, b'{"error": {}}'))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/good", (200, {"compute_id": "i-1"})),
        ("/list", (200, {})),
        ("/text", (200, {})),
        ("/down", (503, {})),
    ],
)
def test_the_answer_is_a_status_and_an_object(
    url: str, path: str, expected: tuple[int, dict[str, str]]
) -> None:
    assert probe.get(url + path) == expected


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert probe.get(f"{url}/good")[0] == 200


def test_where_nothing_listens_the_status_is_0() -> None:
    assert probe.get("http://127.0.0.1:9/") == (0, {})
