"""Offline packs: as a file comes, and with members to which a true manifest is made."""

from __future__ import annotations

import functools
import io
import json
import zipfile

import numpy as np

from steeple.errors import FailedPreconditionError, PackError
from steeple.packs import Pack, PackIndex, archive, layout
from tests.fuzz.files import folder, written
from tests.packs import samples

_ALTERED = (layout.LANDMARKS, layout.LISTS, layout.CELLS, layout.MANIFEST)


@functools.cache
def _whole() -> bytes:
    photos = {"one": [samples.features(1, 20)], "two": [samples.features(2, 10)]}
    return samples.written(folder() / "seed.pack", photos, thumbnail=b"\xff\xd8").read_bytes()


@functools.cache
def _members() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(_whole())) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def seeds() -> list[bytes]:
    """A whole pack, and each of the members that say something."""
    return [b"\xff" + _whole(), *(bytes([number]) + _members()[name] for number, name in enumerate(_ALTERED))]


def check(data: bytes) -> None:
    """It is refused as a damaged pack, or as one of a newer Steeple, or it can be searched and shown."""
    number = data[0] if data else 0xFF
    path = written(_sealed(_ALTERED[number], data[1:]) if number < len(_ALTERED) else data[1:], "a.pack")
    try:
        pack = Pack.open(path)
    except (PackError, FailedPreconditionError):
        return
    with pack:
        for key, image in pack.gallery(range(len(pack.images))).items():
            assert len(image.features) == pack.images[key].feature_count
        for landmark_id, landmark in pack.landmarks.items():
            assert landmark.id == landmark_id
            landmark.display_name.encode("utf-8")
            pack.thumbnail(landmark_id)
        found = PackIndex(pack, 2).search(np.ones((2, 40), np.float32), 3)
        assert (found.image_keys < len(pack.images)).all()


def _sealed(name: str, content: bytes) -> bytes:
    """A pack with another member, and a manifest that is true of its bytes."""
    manifest = _members()[layout.MANIFEST]
    file = io.BytesIO()
    writer = archive.ArchiveWriter(file)
    for member, data in _members().items():
        if member != layout.MANIFEST:
            writer.add(member, content if member == name else data)
    listed = {member: {"bytes": facts.size_bytes, "sha256": facts.sha256} for member, facts in writer.members.items()}
    try:
        facts = json.loads(content if name == layout.MANIFEST else manifest)
    except (ValueError, RecursionError):
        facts = None
    truth = json.dumps(facts | {"members": listed}).encode() if isinstance(facts, dict) else content
    writer.add(layout.MANIFEST, truth)
    writer.close()
    return file.getvalue()
