"""The project files that packagings are made of."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sources:
    """The project folder, and what is where in it."""

    root: Path

    @property
    def app(self) -> Path:
        """The service."""
        return self.root / "app"

    @property
    def server_lock(self) -> Path:
        """What the service needs on an instance and in a container."""
        return self.app / "server.lock"

    @property
    def lambda_lock(self) -> Path:
        """What it needs in a function."""
        return self.app / "lambda.lock"

    @property
    def install_script(self) -> Path:
        """The boot script that travels in the bundle."""
        return self.root / "deploy" / "artifacts" / "install.sh"

    @property
    def dockerfile(self) -> Path:
        """The service's container image."""
        return self.root / "docker" / "Dockerfile"

    def app_files(self) -> list[Path]:
        """Every file of the service that is shipped: no caches, locks, texts or hidden files."""
        return sorted(
            path
            for path in self.app.rglob("*")
            if path.is_file()
            and path.suffix not in {".pyc", ".lock", ".md"}
            and not any(part.startswith(".") for part in path.relative_to(self.app).parts)
        )

    def copy_app(self, into: Path) -> None:
        """Put the package `app` into a folder."""
        for path in self.app_files():
            copy = into / path.relative_to(self.root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
