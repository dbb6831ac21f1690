"""Packs that are damaged, foreign, or made to harm."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.errors import FailedPreconditionError, NotFoundError, PackError
from steeple.packs import Pack, archive, layout
from tests.packs.samples import features, written
from tests.scenes import encoded, scene

Members = dict[str, bytes]
JPEG = encoded(scene(1, 32, 24))


@cache
def whole() -> bytes:
    """A pack of two landmarks and three images."""
    photos = {"one": [features(1), features(2, 20)], "two": [features(3)]}
    with tempfile.TemporaryDirectory() as folder:
        return written(Path(folder, "a.pack"), photos, exact=True, thumbnail=JPEG).read_bytes()


def members() -> Members:
    with zipfile.ZipFile(io.BytesIO(whole())) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def sealed(path: Path, parts: Mapping[str, bytes], **changes: Any) -> Path:
    """A pack of such members, whose manifest is true of their bytes and has some other values."""
    manifest = json.loads(parts[layout.MANIFEST]) | changes
    with path.open("wb") as file:
        writer = archive.ArchiveWriter(file)
        for name, data in parts.items():
            if name != layout.MANIFEST:
                writer.add(name, data)
        listed = {
            name: {"bytes": member.size_bytes, "sha256": member.sha256} for name, member in writer.members.items()
        }
        writer.add(layout.MANIFEST, json.dumps({"members": listed} | manifest | {"members": listed}).encode())
        writer.close()
    return path


def refused(path: Path, message: str) -> None:
    with pytest.raises(PackError, match=message) as caught:
        Pack.open(path)
    assert str(path) in caught.value.message


def test_a_pack_that_is_sealed_anew_is_one(tmp_path: Path) -> None:
    with Pack.open(sealed(tmp_path / "a.pack", members())) as pack:
        assert list(pack.landmarks) == ["one", "two"]


# --- truncated and corrupt ---


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_pack_is_refused(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.pack"
    path.write_bytes(whole()[: int(share * len(whole()))])
    refused(path, "is no offline pack, or a damaged one")


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(whole()) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed_or_changes_nothing(
    place: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(whole())
    data[place] ^= 1 << bit
    folder = tmp_path_factory.mktemp("flip")
    (folder / "true.pack").write_bytes(whole())
    (folder / "flipped.pack").write_bytes(data)
    try:
        flipped = Pack.open(folder / "flipped.pack")
    except (PackError, FailedPreconditionError):
        return
    true = Pack.open(folder / "true.pack")  # dates and the like in the container mean nothing
    assert flipped.manifest == true.manifest
    assert dict(flipped.landmarks) == dict(true.landmarks)
    assert np.array_equal(flipped.codes, true.codes)


@pytest.mark.parametrize("name", sorted(members()))
def test_each_member_is_checked(name: str, tmp_path: Path) -> None:
    data, size = whole(), len(members()[name])
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        place = packed.getinfo(name).header_offset + 30 + len(name) + size // 2
    (tmp_path / "a.pack").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    refused(tmp_path / "a.pack", f"{name} is corrupt")


# --- foreign ---


def test_what_is_no_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no offline pack"):
        Pack.open(tmp_path / "none.pack")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "no offline pack")
    (tmp_path / "empty").touch()
    refused(tmp_path / "empty", "no offline pack has 0 bytes")
    (tmp_path / "photo.jpg").write_bytes(JPEG)
    refused(tmp_path / "photo.jpg", "it has no end; if it was cut short, download it again")


def test_another_zip_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as other:
        other.writestr("readme.txt", "hello")
    refused(tmp_path / "a.zip", "manifest.json is missing")


def test_a_pack_that_was_packed_again_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as other:
        for name, data in members().items():
            other.writestr(name, data)
    refused(tmp_path / "a.zip", "is not stored plainly")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bomb:
        bomb.writestr("manifest.json", bytes(50 << 20))
    assert (tmp_path / "a.zip").stat().st_size < 100_000
    refused(tmp_path / "a.zip", "manifest.json is not stored plainly")


def test_members_that_overlap_or_are_hidden_are_refused(tmp_path: Path) -> None:
    data = whole()
    start = int.from_bytes(data[-6:-2], "little")
    hidden = data[:start] + b"hidden" + data[start:-6] + (start + 6).to_bytes(4, "little") + data[-2:]
    (tmp_path / "a.pack").write_bytes(hidden)
    refused(tmp_path / "a.pack", "bytes that belong to no member")
    with (tmp_path / "b.pack").open("wb") as file:
        writer = archive.ArchiveWriter(file)
        writer.add("one", b"1")
        writer.add("two", b"2")
        writer.close()
    twice = (tmp_path / "b.pack").read_bytes()
    first, second = twice.index(b"PK\x01\x02"), twice.rindex(b"PK\x01\x02")
    (tmp_path / "b.pack").write_bytes(twice[:second] + twice[first:second] + twice[second + second - first :])
    refused(tmp_path / "b.pack", "one is not where the list of members says")


def test_a_member_that_the_list_says_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    data = bytearray(whole())
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data[second + 42 : second + 46] = bytes(4)  # where the first begins
    (tmp_path / "a.pack").write_bytes(data)
    refused(tmp_path / "a.pack", "is not where the list of members says")


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.pack").open("wb") as file:
        writer = archive.ArchiveWriter(file)
        writer.add("one", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            writer.add("one", b"1")
        writer.close()
    refused(tmp_path / "a.pack", "one is in it twice")


# --- lies ---


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "steeple-catalogue"}, "is not of format 'steeple-pack'"),
        ({"format_version": 0}, "format_version must be a whole number"),
        ({"format_version": True}, "format_version must be a whole number"),
        ({"id": "../x"}, "id must be an id"),
        ({"display_name": "\ud800"}, "display_name must be a text"),
        ({"model": "delf"}, "model must be an object"),
        ({"model": {"name": "a/b", "tflite_sha256": "0" * 64}}, "name must be the name of a model release"),
        ({"model": {"name": "a", "tflite_sha256": "0" * 63}}, "tflite_sha256 must be a SHA-256"),
        ({"create_time": "yesterday"}, "create_time must be a time"),
        ({"create_time": "2026-01-01T00:00:00"}, "create_time must be a time"),
        ({"create_time": "0001-01-01T00:00:00+23:59"}, "create_time must be a time"),
        ({"region": {"latitude": 91, "longitude": 0, "radius_meters": 1}}, "latitude must be a number of -90 to 90"),
        ({"region": {"latitude": float("nan"), "longitude": 0, "radius_meters": 1}}, "latitude must be a number"),
        ({"landmark_count": 3}, "not as many as its manifest says"),
        ({"image_count": 2}, "not as many as its manifest says"),
        ({"feature_count": 121}, "have 120 features, its manifest says 121"),
        ({"lists": 9}, "coarse.npy must be float32"),
        ({"code_size": 7}, "no codebook has 7 sub-quantizers"),
        ({"code_size": 5}, "product.npy must be float32"),
        ({"exact": 1}, "exact must be true or false"),
        ({"sequence": 1.5}, "sequence must be a whole number"),
        ({"sequence": -1}, "sequence must be a whole number"),
    ],
)
def test_a_manifest_that_is_not_true_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    refused(sealed(tmp_path / "a.pack", members(), **changes), message)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stride", 0),
        ("stride", 1 << 20),
        ("max_pixels", 1 << 40),
        ("pyramid_scales", []),
        ("pyramid_scales", [0.0]),
        ("pyramid_scales", [1e300]),
        ("pyramid_scales", [1.0] * 99),
        ("min_pixels", "many"),
    ],
)
def test_a_pyramid_that_is_none_is_refused(name: str, value: Any, tmp_path: Path) -> None:
    extraction = json.loads(members()[layout.MANIFEST])["extraction"] | {name: value}
    refused(sealed(tmp_path / "a.pack", members(), extraction=extraction), name)


def test_a_pyramid_of_very_many_cells_is_refused(tmp_path: Path) -> None:
    extraction = json.loads(members()[layout.MANIFEST])["extraction"] | {"stride": 1, "pyramid_scales": [4.0, 2.0]}
    refused(sealed(tmp_path / "a.pack", members(), extraction=extraction), "an image has a pyramid of 6144000 cells")


def test_a_newer_format_says_so(tmp_path: Path) -> None:
    with pytest.raises(FailedPreconditionError, match="of version 2 of the format, and this Steeple knows 1; update"):
        Pack.open(sealed(tmp_path / "a.pack", members(), format_version=2))


def array(values: Any) -> bytes:
    if values.flags.c_contiguous and values.dtype.newbyteorder("<") == values.dtype:
        return layout.npy_header(values.dtype, values.shape) + bytes(values.tobytes())
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def changed(name: str, change: Callable[[Any], Any]) -> Members:
    parts = members()
    parts[name] = array(change(np.load(io.BytesIO(parts[name])).copy()))
    return parts


def _set(values: Any, place: Any, value: Any) -> Any:
    values[place] = value
    return values


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (layout.LISTS, lambda values: _set(values, 5, 8), "a list that the codebook does not have"),
        (layout.LISTS, lambda values: values[1:], r"lists.npy must be uint16\[120\]"),
        (layout.LISTS, lambda values: values.astype(">u2"), r"lists.npy must be uint16\[120\]"),
        (layout.CODES, lambda values: values.reshape(-1), r"codes.npy must be uint8\[120, 4\]"),
        (layout.CODES, np.asfortranarray, r"codes.npy must be uint8\[120, 4\]"),
        (layout.CELLS, lambda values: _set(values, 0, values[0] ^ 1), "other cells than features"),
        (layout.CELLS, lambda values: values[:-1], "cells.npy must be uint8"),
        (layout.DESCRIPTORS, lambda values: values.astype(np.int16), r"descriptors.npy must be int8\[120, 40\]"),
        (layout.COARSE, lambda values: _set(values, (0, 0), np.nan), "finite float32 numbers"),
        (layout.PRODUCT, lambda values: _set(values, (0, 0, 0), 1e30), "at most 100"),
        (layout.PRODUCT, lambda values: values[:2], "product.npy must be float32"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    name: str, change: Callable[[Any], Any], message: str, tmp_path: Path
) -> None:
    refused(sealed(tmp_path / "a.pack", changed(name, change)), message)


def test_a_cell_beyond_the_pyramid_is_refused(tmp_path: Path) -> None:
    """Its byte has room for it, and the number of features is right."""
    parts = changed(layout.CELLS, lambda values: values)
    cells = np.load(io.BytesIO(parts[layout.CELLS])).copy()
    size = len(cells) // 3
    first = int(np.flatnonzero(cells[:size])[0])
    cells[first] &= cells[first] - 1  # one less
    assert not cells[size - 1] & 1
    cells[size - 1] |= 1
    refused(sealed(tmp_path / "a.pack", {**parts, layout.CELLS: array(cells)}), "other cells than features")


def test_objects_in_arrays_are_refused(tmp_path: Path) -> None:
    harmful = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    harmful += b"{'descr': '|O', 'fortran_order': False, 'shape': (120,), }".ljust(117) + b"\n" + bytes(960)
    refused(sealed(tmp_path / "a.pack", {**members(), layout.LISTS: harmful}), r"lists.npy must be uint16\[120\]")
    for header in (b"", b"\x93NUMPY\x01\x00\xff\xff", b"\x93NUMPY\x03\x00", harmful[:10] + b"(" * 118, bytes(500)):
        refused(sealed(tmp_path / "a.pack", {**members(), layout.LISTS: header}), r"lists.npy must be uint16\[120\]")


def landmarks(change: Callable[[list[dict[str, Any]]], object]) -> Members:
    parts = members()
    document = json.loads(parts[layout.LANDMARKS])
    change(document["landmarks"])
    parts[layout.LANDMARKS] = json.dumps(document).encode()
    return parts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found[0].update(id="two"), "'two' is there twice"),
        (lambda found: found[0].update(id="../../etc"), r"landmarks\[0\]: id must be an id"),
        (lambda found: found[0].update(labels=["a"] * 65), "labels must be a list of at most 64"),
        (lambda found: found[0].update(aliases={"fr": [1]}), "a list of texts"),
        (lambda found: found[0].update(metadata={str(number): "" for number in range(65)}), "at most 64 entries"),
        (lambda found: found[0].update(location=[1, 2]), "location must be an object"),
        (lambda found: found[0].update(description="x" * 10_001), "description must be a text"),
        (lambda found: found[0]["images"][0].update(width=0), "width must be a whole number of 1 to 65535"),
        (lambda found: found[0]["images"][0].update(features=5000), "features must be a whole number of 0 to 4096"),
        (lambda found: found[0]["images"][0].update(features=49), "119 features, its manifest says 120"),
        (lambda found: found[0]["images"][0].update(height=48), "cells.npy must be"),
        (lambda found: found[0]["images"].extend([found[0]["images"][0]] * 1000), "images must be a list of at most"),
    ],
)
def test_landmarks_that_are_not_true_are_refused(
    change: Callable[[list[dict[str, Any]]], object], message: str, tmp_path: Path
) -> None:
    refused(sealed(tmp_path / "a.pack", landmarks(change)), message)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"landmarks": 7}', b"1" * 5000])
def test_json_that_says_nothing_is_refused(text: bytes, tmp_path: Path) -> None:
    refused(sealed(tmp_path / "a.pack", {**members(), layout.LANDMARKS: text}), "landmarks.json")


def test_files_that_the_manifest_does_not_list_are_refused(tmp_path: Path) -> None:
    path = sealed(tmp_path / "a.pack", members())
    with zipfile.ZipFile(path, "a") as packed:
        info = zipfile.ZipInfo("extra")
        packed.writestr(info, b"more")
    refused(path, "its files are not those that its manifest lists")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("readme.txt", b"hello", "a pack has no file readme.txt"),
        ("thumbnails/none.jpg", JPEG, "is no small JPEG of one of its landmarks"),
        ("thumbnails/one.jpg", b"GIF89a", "is no small JPEG of one of its landmarks"),
        ("thumbnails/one.jpg", encoded(scene(1, 32, 24), ".png"), "is no small JPEG of one of its landmarks"),
        ("thumbnails/one.jpg", encoded(scene(1, 320, 24)), "is no small JPEG of one of its landmarks"),
        ("thumbnails/../one.jpg", JPEG, "is no small JPEG of one of its landmarks"),
    ],
)
def test_files_that_no_pack_has_are_refused(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    refused(sealed(tmp_path / "a.pack", {**members(), name: data}), message)


def test_the_checksum_of_the_samples_is_of_what_is_there() -> None:
    """The samples of this file say the truth, so that what is refused is refused for the right reason."""
    listed = json.loads(members()[layout.MANIFEST])["members"]
    assert {name: hashlib.sha256(data).hexdigest() for name, data in members().items() if name != layout.MANIFEST} == {
        name: member["sha256"] for name, member in listed.items()
    }
