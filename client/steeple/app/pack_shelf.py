"""Offline packs on this device."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from steeple.app.answers import answer_from_pack
from steeple.app.found import Found, Origin
from steeple.app.places import distance_meters
from steeple.app.shelved_packs import OfferedPack, ShelfState, ShelvedPack
from steeple.client import Client, LatLng
from steeple.client import Pack as ServerPack
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import (
    CancelledError,
    DataLossError,
    FailedPreconditionError,
    ModelMismatchError,
    NotFoundError,
    SteepleError,
)
from steeple.packs import Pack, PackRecogniser

__all__ = ["OfferedPack", "PackShelf", "ShelfState", "ShelvedPack"]

SUFFIX: Final = ".pack"

_ASKED: Final = 4  # packs that one photo is looked for in, at most
_COMING: Final = ".coming"  # of a pack that is not checked yet


@dataclass
class _Known:
    """A pack's file that was looked at."""

    stamp: tuple[int, int]
    info: ShelvedPack
    recogniser: tuple[Pack, PackRecogniser] | None
    sha256: str | None = None


class PackShelf:
    """The packs on this device. Thread safe. Calls read whole files now and then; they belong on worker threads.

    Args:
        folder: Where they lie; made if need be.
        release: That queries are extracted with.
    """

    def __init__(self, folder: Path, release: ModelRelease) -> None:
        self._folder = folder
        self._release = release
        self._lock = threading.Lock()  # of what follows; not held while packs are searched or fetched
        self._known: dict[Path, _Known] = {}
        self._fetching: set[str] = set()
        with _told(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in folder.glob(f"*{_COMING}"):  # of a run that was killed
                path.unlink(missing_ok=True)

    def list(self) -> tuple[ShelvedPack, ...]:
        """All packs here, by name, those that cannot be used included."""
        return tuple(sorted((known.info for known in self._all()), key=lambda info: (info.display_name, info.id)))

    def offered(self, client: Client) -> tuple[OfferedPack, ...]:
        """The packs that a server offers, and what is here of each.

        Raises:
            UnavailableError: If the server cannot be reached.
        """
        packs = tuple(client.list_packs())  # before anything is locked
        here = {known.info.id: known for known in self._all()}
        return tuple(self._offered(pack, here.get(pack.id)) for pack in packs)

    def download(
        self, client: Client, pack_id: str, *, on_progress: Callable[[int, int], bool] = lambda _here, _all: True
    ) -> ShelvedPack:
        """Fetches a pack; one that was interrupted goes on where it stopped. The one that was there serves until then.

        Args:
            client: Of the server.
            pack_id: Which.
            on_progress: Called with bytes received and in all; returns whether to go on.

        Raises:
            CancelledError: If ``on_progress`` said so; what was received stays.
            NotFoundError: If the server has no such pack.
            ModelMismatchError: If the pack is of another model release. Nothing is fetched.
            DataLossError: If what was received is no whole pack.
            FailedPreconditionError: If it is being fetched already, or there is no space.
            UnavailableError: If the server cannot be reached; what was received stays.
        """

        def progress(here: int, size: int) -> None:
            if not on_progress(here, size):
                raise CancelledError("the download was stopped; it goes on from there when it is begun again")

        with self._alone(pack_id):
            pack = client.get_pack(pack_id)
            if (problem := self._mismatch(pack.model.removeprefix("models/"), pack.tflite_sha256)) is not None:
                raise problem
            with _told(self._folder):
                free = shutil.disk_usage(self._folder).free
            missing = pack.size_bytes - self._received(pack.id)
            if free < missing:
                raise FailedPreconditionError(
                    f"the pack takes {missing / 1e6:.1f} MB more and {free / 1e6:.1f} MB are free; make space first"
                )
            coming = self._path(pack.id).with_suffix(SUFFIX + _COMING)
            client.download_pack(pack, coming, progress=progress)
            return self._put(coming, pack.id)

    def add(self, path: Path) -> ShelvedPack:
        """Copies a pack that came otherwise, such as by a cable.

        Raises:
            NotFoundError: If there is no such file.
            DataLossError: If it is no whole pack.
            ModelMismatchError: If it is of another model release.
            FailedPreconditionError: If there is no space.
        """
        with Pack.open(path) as pack:
            pack_id = pack.manifest.facts.id
        with self._alone(pack_id):
            coming = self._path(pack_id).with_suffix(SUFFIX + _COMING)
            with _told(coming):
                shutil.copyfile(path, coming)
            return self._put(coming, pack_id)

    def delete(self, pack_id: str) -> None:
        """Deletes a pack and what was received of it; no error if there is nothing.

        Raises:
            FailedPreconditionError: If it is being fetched, or cannot be deleted.
        """
        with self._alone(pack_id), _told(self._folder):
            self._path(pack_id).unlink(missing_ok=True)
            for part in self._parts(pack_id):
                part.unlink(missing_ok=True)

    def clear(self) -> None:
        """Deletes all packs and all that was received of others.

        Raises:
            FailedPreconditionError: If one is being fetched, or cannot be deleted.
        """
        with self._lock:
            if self._fetching:
                raise FailedPreconditionError("a pack is being fetched; wait until it is here, or stop that")
        with _told(self._folder):
            for path in self._folder.iterdir():
                path.unlink(missing_ok=True)

    def choose(self, place: LatLng | None = None) -> tuple[ShelvedPack, ...]:
        """The usable packs in the order in which to ask them.

        Those whose region holds the place come first, the smallest first; then those of no region; then the others, the
        nearest first. Where the place is not known, those that came last come first.

        Args:
            place: Where the photo was taken; None if that is not known.
        """
        usable = [info for info in self.list() if info.problem is None]
        if place is None:
            return tuple(sorted(usable, key=lambda info: -info.fetch_time.timestamp()))
        return tuple(sorted(usable, key=lambda info: _order(info, place)))

    def identify(
        self,
        features: FeatureSet,
        *,
        place: LatLng | None = None,
        most: int | None = None,
        max_candidates: int = 5,
        include_matches: bool = False,
        include_thumbnails: bool = False,
    ) -> Found | None:
        """The answer of the packs: of the first in order that identifies a landmark, else of the first.

        Args:
            features: Of the photo.
            place: Where it was taken; None if that is not known.
            most: Packs that are asked, at most; None: a few.
            max_candidates: In the answer, at most.
            include_matches: Whether candidates carry their inlier matches.
            include_thumbnails: Whether candidates carry thumbnails of their reference images.

        Returns:
            None if there is no usable pack.

        Raises:
            FeatureSetError: If there are no features.
            ModelMismatchError: If they are of another model release.
        """
        first: Found | None = None
        for info in self.choose(place)[: _ASKED if most is None else most]:
            opened = self._opened(info)
            if opened is None:  # deleted meanwhile
                continue
            pack, recogniser = opened
            recognition = recogniser.identify(features, max_candidates=max_candidates)
            answer = answer_from_pack(
                pack, recognition, features, include_matches=include_matches, include_thumbnails=include_thumbnails
            )
            found = Found(answer, Origin.PACK, info.display_name)
            if answer.identified:
                return found
            first = first or found
        return first

    def close(self) -> None:
        """Lets go of the packs' files."""
        with self._lock:
            for known in self._known.values():
                if known.recogniser is not None:
                    known.recogniser[0].close()
            self._known.clear()

    def _path(self, pack_id: str) -> Path:
        if not pack_id or pack_id.startswith(".") or any(letter in pack_id for letter in "/\\\0"):
            raise NotFoundError(f"there is no pack {pack_id[:100]!r}", resource=f"packs/{pack_id[:100]}")
        return self._folder / f"{pack_id}{SUFFIX}"

    def _parts(self, pack_id: str) -> tuple[Path, ...]:
        return tuple(self._folder.glob(f".{self._path(pack_id).name}{_COMING}.*"))

    def _received(self, pack_id: str) -> int:
        return max((part.stat().st_size for part in self._parts(pack_id)), default=0)

    @contextlib.contextmanager
    def _alone(self, pack_id: str) -> Iterator[None]:
        with self._lock:
            if pack_id in self._fetching:
                raise FailedPreconditionError(
                    f"the pack {pack_id} is being fetched; wait until it is here, or stop that"
                )
            self._fetching.add(pack_id)
        try:
            yield
        finally:
            with self._lock:
                self._fetching.discard(pack_id)

    def _put(self, coming: Path, pack_id: str) -> ShelvedPack:
        """Puts a file into its place, if it is the pack that it should be."""
        try:
            with Pack.open(coming) as pack:
                facts = pack.manifest.facts
                if facts.id != pack_id:
                    raise DataLossError(f"what came for the pack {pack_id} is the pack {facts.id}; try again")
                if (problem := self._mismatch(facts.model, facts.tflite_sha256)) is not None:
                    raise problem
            with _told(coming):
                target = self._path(pack_id)
                coming.replace(target)
                for part in self._parts(pack_id):
                    part.unlink(missing_ok=True)
        except SteepleError:
            coming.unlink(missing_ok=True)
            raise
        return self._look(target).info

    def _all(self) -> tuple[_Known, ...]:
        found = []
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                found.append(self._look(path))
        with self._lock:
            gone = [path for path in self._known if not path.exists()]
            for path in gone:
                del self._known[path]
        return tuple(found)

    def _look(self, path: Path) -> _Known:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_ino)
        with self._lock:
            known = self._known.get(path)
        if known is None or known.stamp != stamp:
            known = self._read(path, stamp, status.st_size)
            with self._lock:
                self._known[path] = known
        return known

    def _read(self, path: Path, stamp: tuple[int, int], size: int) -> _Known:
        pack_id, fetched = path.name.removesuffix(SUFFIX), datetime.fromtimestamp(stamp[0] / 1e9, UTC)
        try:
            pack = Pack.open(path)
        except SteepleError as error:
            broken = ShelvedPack(pack_id, pack_id, path, size, "", 0, None, 0.0, None, fetched, error.message)
            return _Known(stamp, broken, None)
        facts = pack.manifest.facts
        problem = self._mismatch(facts.model, facts.tflite_sha256)
        region = facts.region
        info = ShelvedPack(
            id=pack_id,
            display_name=facts.display_name,
            path=path,
            size_bytes=size,
            model=facts.model,
            landmark_count=pack.manifest.landmark_count,
            near=None if region is None else LatLng(region.centre.latitude, region.centre.longitude),
            radius_meters=0.0 if region is None else region.radius_meters,
            create_time=facts.create_time,
            fetch_time=fetched,
            problem=None if problem is None else problem.message,
        )
        if problem is not None:
            pack.close()
            return _Known(stamp, info, None)
        return _Known(stamp, info, (pack, PackRecogniser(pack, self._release)))

    def _opened(self, info: ShelvedPack) -> tuple[Pack, PackRecogniser] | None:
        try:
            return self._look(info.path).recogniser
        except FileNotFoundError:
            return None

    def _offered(self, pack: ServerPack, known: _Known | None) -> OfferedPack:
        received = self._received(pack.id)
        state = ShelfState.ABSENT if not received else ShelfState.PARTIAL
        if self._mismatch(pack.model.removeprefix("models/"), pack.tflite_sha256) is not None:
            state = ShelfState.UNUSABLE
        elif known is not None and known.info.problem is None:
            state = ShelfState.CURRENT if self._sha256(known) == pack.sha256 else ShelfState.OUTDATED
        return OfferedPack(pack, state, received)

    def _sha256(self, known: _Known) -> str:
        if known.sha256 is None:
            with _told(known.info.path), known.info.path.open("rb") as file:
                known.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return known.sha256

    def _mismatch(self, model: str, tflite_sha256: str) -> ModelMismatchError | None:
        ours = self._release
        if (model, tflite_sha256) == (ours.name, ours.tflite_sha256):
            return None
        return ModelMismatchError(
            f"the pack is of model release {model}, and this app extracts with {ours.name}; update the app, or fetch a "
            "newer pack",
            model=f"models/{model}",
        )


def _order(info: ShelvedPack, place: LatLng) -> tuple[int, float]:
    if info.near is None:
        return 1, -info.fetch_time.timestamp()
    distance = distance_meters(info.near, place)
    return (0, info.radius_meters) if distance <= info.radius_meters else (2, distance - info.radius_meters)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FailedPreconditionError(
            f"{path}: {error.strerror or error}; make space, or look at who may write there"
        ) from error
