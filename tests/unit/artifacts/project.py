"""A project in miniature: an `app` that needs one tiny wheel, found without a network."""

import hashlib
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from deploy.artifacts import Target, build
from deploy.artifacts.builder import PROJECT
from deploy.model import Artifact

# What install.sh starts and asks. How it behaves is decided by the variables a test sets.
WEB = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = os.environ.get("NINEWAYS_VARIANT") != "never-ready"
        self.send_response(200 if ready or self.path != "/readyz" else 503)
        self.end_headers()
        told = {name: os.environ.get(name) for name in os.environ if name.startswith("NINEWAYS_")}
        about = {"pid": os.getpid(), "compute_id": told.get("NINEWAYS_COMPUTE_ID")}
        self.wfile.write(json.dumps(told | about).encode())

if __name__ == "__main__":
    import tiny
    if os.environ.get("NINEWAYS_VARIANT") == "crashing":
        sys.exit("the configuration makes no sense")
    place = os.environ["NINEWAYS_HOST"], int(os.environ["NINEWAYS_PORT"])
    http.server.ThreadingHTTPServer(place, Handler).serve_forever()
"""
WORKER = """
import time

if __name__ == "__main__":
    while True:
        time.sleep(1)
"""


@dataclass(frozen=True)
class Project:
    """A project folder with the real Dockerfile and boot script, and a place for wheels."""

    root: Path
    wheels: Path

    def add_wheel(self, name: str, files: dict[str, str], tag: str = "py3-none-any") -> str:
        """Make a wheel and give the lock's lines for it."""
        wheel = self.wheels / f"{name}-1.0-{tag}.whl"
        about = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
            archive.writestr(
                f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0"
            )
            archive.writestr(
                f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}"
            )
            archive.writestr(f"{about}/RECORD", "")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        return f"{name}==1.0 \\\n    --hash=sha256:{digest}\n"

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def lock(self, *requirements: str) -> None:
        """Let the service need these, however it is started."""
        for name in ("server.lock", "lambda.lock"):
            self.write(f"app/{name}", "".join(requirements))


def make_project(root: Path) -> Project:
    project = Project(root, root / "index")
    project.wheels.mkdir(parents=True)
    for real in ("docker/Dockerfile", "deploy/artifacts/install.sh"):
        (root / real).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / real, root / real)
    project.write("app/__init__.py", "")
    project.write("app/entrypoints/__init__.py", "")
    project.write("app/entrypoints/web.py", WEB)
    project.write("app/entrypoints/worker.py", WORKER)
    project.lock(
        project.add_wheel("tiny", {"tiny.py": "SIZE = 1\n", "tiny-1.0.data/scripts/x": ""})
    )
    return project


def built(project: Project) -> Path:
    """The project's bundle for this machine."""
    out = project.root.parent / "out"
    return build(Artifact.BUNDLE, Target.here(), into=out, project=project.root).path
