"""Archives that are the same bytes for the same content.

Order, times, owners and permissions are fixed. (The compressed bytes also depend on the version
of zlib, so two machines may differ where their zlib does.)
"""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

# The earliest time that a zip can express.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o644
_UNIX = 3
# Wheels are compressed already: more effort gains nothing.
_BUNDLE_EFFORT = 1


def write_zip(folder: Path, archive: Path) -> Path:
    """Zip a folder's files, readable by everyone: Lambda runs as a user of its own."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, path in _files(folder):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = (0o100000 | _FILE_MODE) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, path.read_bytes())
    return archive


def write_tar_gz(folder: Path, archive: Path) -> Path:
    """Pack a folder's files for `tar -xzf`."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", _BUNDLE_EFFORT, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT) as file,
    ):
        for name, path in _files(folder):
            content = path.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = _FILE_MODE
            file.addfile(entry, io.BytesIO(content))
    return archive


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    yield from sorted((path.relative_to(folder).as_posix(), path) for path in paths)
