"""Damage to any file of a snapshot is found before anything is touched."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from steeple.errors import NotFoundError, SnapshotError
from steeple.server.engine import Engine
from steeple.server.snapshots import manifest
from steeple.server.snapshots.files import SUMS, read_sums
from steeple.server.snapshots.manifest import MANIFEST
from steeple.server.snapshots.restoring import check, restore

from .conftest import Taken, take


def refused(taken: Taken, target: Path, named: str) -> None:
    """A restore names the damaged file and leaves the target as it was."""
    before = sorted(target.iterdir())
    with pytest.raises(SnapshotError) as caught:
        restore(taken.kept, target)
    assert named in caught.value.message
    assert sorted(target.iterdir()) == before


def test_every_kind_of_file(engine: Engine, tmp_path: Path) -> None:
    taken, chance = take(engine, copy_photos=True), random.Random(5)  # noqa: S311 - no secret
    target = tmp_path / "target"
    target.mkdir()
    names = [name for name, _ in read_sums(taken.folder, taken.snapshot.sums_sha256)]
    kinds = {"catalogue.db"} | {next(name for name in names if name.startswith("images/"))}
    kinds |= {name for name in names if name.startswith("index/")}
    assert len(kinds) == 6  # of the index: its manifest, codebook, lists and table of images
    for name in sorted(kinds):
        file = taken.folder / name
        file.write_bytes(whole := file.read_bytes())  # a file of its own, not the server's
        for place in (0, len(whole) - 1, chance.randrange(len(whole))):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << chance.randrange(8)
            file.unlink(missing_ok=True)
            file.write_bytes(flipped)
            refused(taken, target, f"{name}: its content is not what it was")
        for length in (0, len(whole) // 2, len(whole) - 1):
            file.write_bytes(whole[:length])
            refused(taken, target, f"{name}: its content is not what it was")
        file.unlink()
        refused(taken, target, f"{name}: it is missing")
        file.write_bytes(whole)
    assert check(taken.kept) == taken.snapshot


def test_every_byte_of_the_manifest_and_of_the_list(engine: Engine, tmp_path: Path) -> None:
    taken = take(engine, without_index=True)
    for name in (MANIFEST, SUMS):
        file = taken.folder / name
        whole = file.read_bytes()
        flips = [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(len(whole))]
        for changed in (*flips, *(whole[:length] for length in range(0, len(whole), 16))):
            file.write_bytes(changed)
            with pytest.raises(SnapshotError, match=name):
                read_sums(taken.folder, manifest.read(taken.folder).sums_sha256)
        file.unlink()
        with pytest.raises((SnapshotError, NotFoundError), match=name):
            restore(taken.kept, tmp_path / "target")
        file.write_bytes(whole)
    assert not (tmp_path / "target").exists()
    assert check(taken.kept) == taken.snapshot
