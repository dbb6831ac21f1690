"""Kills itself with SIGKILL at each of its changes to the disk in turn, and says what is left.

    python -m tests.server.snapshots.kill_worker FOLDER

Snapshots are made and restored in processes of their own, which die at their first, second, ... change. The state that
they leave is printed, one line of JSON each.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import numpy as np

from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.errors import SteepleError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft
from steeple.server.data_dir import DataDir
from steeple.server.images import ImageStore
from steeple.server.snapshots.files import photo_path
from steeple.server.snapshots.making import Source, make
from steeple.server.snapshots.places import KeptSnapshot
from steeple.server.snapshots.restoring import check, restore
from steeple.server.snapshots.store import SnapshotFolder, SnapshotStore

_CHANGES = {"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "sqlite3.connect"}
PHOTOS = 2


def features(number: int) -> FeatureSet:
    """A few, of image ``number``: always the same."""
    random, count = np.random.default_rng(number), 50
    vectors = random.standard_normal((count, DIMENSIONS)).astype(np.float32)
    return FeatureSet(
        model="delf-lite2-v1",
        width=640,
        height=480,
        descriptors=quantize_descriptors(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)),
        keypoints=(random.random((count, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(count, np.float32),
        scores=np.linspace(1.0, 0.1, count, dtype=np.float32),
    )


class Silent:
    """Is told, and says nothing."""

    def progress(self, done: int, total: int = 0, step: str = "") -> None:
        """Nothing."""

    def problem(self, item: str, error: SteepleError) -> None:
        """Lost photos are not expected."""
        raise error


def in_process_of_its_own(work: Callable[[], object]) -> bool:
    """Does the work; whether it was killed. There must be no other threads in this process."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("the work failed")
    return os.WIFSIGNALED(status)


def dies_at(change: int, work: Callable[[], object]) -> bool:
    """Does the work in a process of its own, killed before its change of that number; whether it was killed."""
    left = itertools.count(change, -1)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in _CHANGES) and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched() -> None:
        sys.addaudithook(watch)
        work()

    return in_process_of_its_own(watched)


def fill(data_dir: Path, name: str) -> None:
    """A data folder with one landmark of that name and two photos."""
    with closing(DataDir(data_dir)), Catalogue.open(f"sqlite:///{data_dir / 'catalogue.db'}") as catalogue:
        (data_dir / "index" / name).mkdir()
        photos = ImageStore(str(data_dir / "images"))
        catalogue.create_landmark(LandmarkDraft(name), landmark_id=name)
        for number in range(PHOTOS):
            sha256 = photos.put(photo := f"{name} {number}".encode())
            catalogue.create_image(name, ImageDraft(features(number), sha256, len(photo), "image/jpeg"))


@contextmanager
def source_of(data_dir: Path) -> Iterator[Source]:
    """What snapshots of a data folder are made of."""
    with Catalogue.open(f"sqlite:///{data_dir / 'catalogue.db'}") as catalogue:
        yield Source(
            catalogue.database,
            ImageStore(str(data_dir / "images")),
            nullcontext,
            lambda: (),
            lambda: "delf-lite2-v1",
        )


def whose(data_dir: Path) -> str:
    """Name of the landmark in a data folder, if all of its data is there."""
    with Catalogue.open(f"sqlite:///{data_dir / 'catalogue.db'}") as catalogue:
        (landmark,) = catalogue.list_landmarks().items
        images = catalogue.list_images(landmark.id).items
        whole = len(images) == PHOTOS == len(catalogue.features([image.key for image in images]))
    whole &= all(
        (data_dir / photo_path(image.sha256)).read_bytes().startswith(landmark.id.encode()) for image in images
    )
    return landmark.id if whole and (data_dir / "index").is_dir() else "nobody"


def making(folder: Path, data_dir: Path) -> Iterator[dict[str, object]]:
    """What is left of a snapshot whose making is killed."""
    store = SnapshotStore(folder / "snapshots")

    def work() -> None:
        with source_of(data_dir) as source:
            make(source, store, "one", Silent())

    for change in itertools.count():
        killed = dies_at(change, work)
        found = [snapshot.id for snapshot in store.all()]
        for snapshot_id in found:
            check(store.kept(snapshot_id))
        yield {"what": "making", "change": change, "killed": killed, "left": found}
        if not killed:
            return
        if found:
            store.delete("one")


def restoring(folder: Path, snapshot: KeptSnapshot, old: Path) -> Iterator[dict[str, object]]:
    """What is in a data folder in which a restore is killed, and then the start that settles it, too."""
    for change in itertools.count():
        data_dir = folder / "restored"
        shutil.rmtree(data_dir, ignore_errors=True)
        shutil.copytree(old, data_dir)
        killed = dies_at(change, lambda: restore(snapshot, data_dir))  # noqa: B023 - done within the round
        again = dies_at(change % 7, lambda: DataDir(data_dir).close())  # noqa: B023
        DataDir(data_dir).close()
        yield {"what": "restoring", "change": change, "killed": killed, "again": again, "left": whose(data_dir)}
        if not killed:
            return


def main(folder: Path) -> None:
    """Prints what is left after each kill."""
    old, new = folder / "old", folder / "new"
    fill(old, "old")
    fill(new, "new")
    for found in itertools.chain(
        making(folder, new), restoring(folder, SnapshotFolder(folder / "snapshots" / "one"), old)
    ):
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
