"""Building: find what is there under the digest of its inputs, or make it."""

import errno
import hashlib
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import deploy
from deploy.artifacts import store
from deploy.artifacts.errors import BuildError
from deploy.artifacts.recipes import RECIPES, Making, Recipe
from deploy.artifacts.sources import Sources
from deploy.artifacts.target import Target
from deploy.artifacts.wheels import fetch
from deploy.model import Artifact

PROJECT = Path(deploy.__file__).parents[1]
BUILD_DIR = PROJECT / ".build"

# How it is made is one of the inputs: a change here builds anew, with no number to be raised.
_RECIPE_TEXT = sorted(
    path
    for path in Path(__file__).parent.glob("*.py")
    if path.name not in {"cli.py", "container.py"}
)
_DIGEST_CHARACTERS = 12


@dataclass(frozen=True)
class Built:
    """An artifact that is there now.

    `compiled` says whether it carries byte code, `fresh` whether this call made it.
    """

    artifact: Artifact
    path: Path
    digest: str
    target: Target
    compiled: bool
    fresh: bool
    size_bytes: int


def _say_nothing(_: str) -> None:
    pass


def build(
    artifact: Artifact,
    target: Target,
    *,
    into: Path = BUILD_DIR,
    report: Callable[[str], None] = _say_nothing,
    project: Path = PROJECT,
) -> Built:
    """Make one packaging for a target, or find it already made.

    Safe to call from several processes, and safe to kill at any moment.

    Raises:
        BuildError: it could not be made; nothing half-made is left in its place.
    """
    sources = Sources(project)
    recipe = RECIPES[artifact]
    compiled = recipe.compiles and target.is_here
    try:
        digest = _digest(artifact, target, recipe, sources, compiled=compiled)
        name = store.Name(recipe.family.format(target=target), digest, recipe.suffix)

        def make(scratch: Path) -> Path:
            wheels = _wheels(recipe.lock(sources), target, into, report)
            report(f"making {name} {'with' if compiled else 'without'} compiled files")
            folder = scratch / "content"
            folder.mkdir()
            recipe.fill(Making(sources, target, wheels, digest, folder))
            if digest != _digest(artifact, target, recipe, sources, compiled=compiled):
                raise BuildError("the sources changed while they were packed; build again")
            return recipe.finish(folder)

        fresh = store.ensure(into, name, make, report)
        path = into / str(name)
        return Built(artifact, path, digest, target, compiled, fresh, _size_bytes(path))
    except OSError as error:
        raise BuildError(_why(error, into)) from error


def _wheels(lock: str, target: Target, into: Path, report: Callable[[str], None]) -> Path:
    """Fetch the lock's wheels once for a target; bundle and image share theirs."""
    content = hashlib.sha256("\0".join((lock, *target.platforms)).encode())
    name = store.Name(
        f"wheels-{target.python}-{target.arch}", content.hexdigest()[:_DIGEST_CHARACTERS]
    )
    store.ensure(into, name, lambda scratch: fetch(lock, target, scratch, report), report)
    return into / str(name)


def _digest(
    artifact: Artifact, target: Target, recipe: Recipe, sources: Sources, *, compiled: bool
) -> str:
    """Sum up all that decides the artifact's bytes, this recipe's own text included."""
    content = hashlib.sha256()

    def add(name: str, data: bytes) -> None:
        content.update(f"{name}\0{len(data)}\0".encode())
        content.update(data)

    compiler = platform.python_version() if compiled else "none"
    add("what", f"{artifact} {target} {target.platforms} compiler {compiler}".encode())
    add("lock", recipe.lock(sources).encode())
    for path in (*sources.app_files(), *recipe.others(sources)):
        add(str(path.relative_to(sources.root)), path.read_bytes())
    for path in _RECIPE_TEXT:
        add(path.name, path.read_bytes())
    return content.hexdigest()[:_DIGEST_CHARACTERS]


def _size_bytes(path: Path) -> int:
    files = (path,) if path.is_file() else (each for each in path.rglob("*") if each.is_file())
    return sum(file.stat().st_size for file in files)


def _why(error: OSError, into: Path) -> str:
    # Of a whole tree, shutil says it once for each file and has no number.
    full = {errno.ENOSPC, errno.EDQUOT}
    if error.errno in full or any(f"[Errno {number}]" in str(error) for number in full):
        free_mb = shutil.disk_usage(into).free // 1_000_000
        return f"no space is left for {into} ({free_mb} MB free); a full build needs about 300 MB"
    return f"cannot build into {into}: {error}"
