"""A lab whose parts are small programs: started in place of `deploy.lab.supervisor`.

FAKE_EMULATOR, in the environment of the test, chooses how the emulator behaves; it arrives here
as the first argument, because a lab inherits nothing.
"""

import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

from deploy.lab import supervisor
from deploy.lab.addresses import Addresses
from deploy.lab.parts import PartSpec

# Serves its folder, which is as good as any answer.
SERVE = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='{host}')"
# Leaves a process behind that has nothing to do with its parent any more.
DETACH = (
    "import subprocess, time;"
    "subprocess.Popen(['sleep', '1000'], start_new_session=True); time.sleep(1000)"
)
EMULATORS = {
    "well": SERVE,
    "broken": "import sys; sys.exit('no emulator today')",
    "silent": "import time; time.sleep(1000)",
}


def parts(kind: str) -> Callable[[Addresses, Path, float], tuple[PartSpec, ...]]:
    def make(addresses: Addresses, _folder: Path, _speed: float) -> tuple[PartSpec, ...]:
        url = addresses.emulator_url
        host, _, port = url.removeprefix("http://").partition(":")
        emulator = EMULATORS[kind].format(host=host, port=port)
        return (
            PartSpec("emulator", run(emulator), lambda: answers(url), is_the_truth=True),
            PartSpec("edge", run(DETACH), lambda: True),
            PartSpec("fleet", run("import time; time.sleep(1000)"), lambda: True),
        )

    return make


def run(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310  our own part
            return True
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    supervisor.main(parts(sys.argv.pop(1)))
