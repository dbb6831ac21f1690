"""Pickles: what benchmarks write is read, and nothing else, whatever it is made to do."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import struct
from collections import OrderedDict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.errors import InvalidArgumentError
from steeple.lab.datasets.pickled import read_pickle


def read(content: bytes, folder: Path) -> Any:
    path = folder / "table.pkl"
    path.write_bytes(content)
    return read_pickle(path)


TABLE: dict[str, Any] = {
    "imlist": ["all_souls_000013", "Zürich"],
    "gnd": [
        {
            "bbx": np.array([136.5, 34.1, 648.5, 955.7]),
            "easy": np.array([3, 1], np.int64),
            "hard": np.array([], np.int32),
            "junk": np.asfortranarray(np.arange(6, dtype=np.uint16).reshape(2, 3)),
            "big": np.array([1.5, -2.0], ">f4"),
            "one": np.float64(0.25),
            "plain": [1, 2.5, None, True, b"bytes", b"", (1, "two")],
        }
    ],
}


def by_numpy(version: int, content: bytes) -> bytes:
    """As the other NumPy would have written it: its modules have other names. For protocols 2 and 3."""
    names = {1: b"cnumpy.core.", 2: b"cnumpy._core."}
    return content.replace(names[3 - version], names[version])


@pytest.mark.parametrize("numpy", [1, 2])
@pytest.mark.parametrize("protocol", [2, 3])
def test_tables_of_both_numpys_are_read(numpy: int, protocol: int, tmp_path: Path) -> None:
    content = by_numpy(numpy, pickle.dumps(TABLE, protocol))
    assert (b"numpy._core" in content) == (numpy == 2)
    same(read(content, tmp_path))


@pytest.mark.parametrize("protocol", [4, 5])
def test_newer_protocols_are_read(protocol: int, tmp_path: Path) -> None:
    same(read(pickle.dumps(TABLE, protocol), tmp_path))


def same(table: Any) -> None:
    assert table["imlist"] == TABLE["imlist"]
    ((entry,), (expected,)) = table["gnd"], TABLE["gnd"]
    assert list(entry) == list(expected)
    for name in ("bbx", "easy", "hard", "junk", "big"):
        np.testing.assert_array_equal(entry[name], expected[name])
    assert entry["one"] == 0.25
    assert entry["plain"] == [1, 2.5, None, True, b"bytes", b"", [1, "two"]]


def test_python_2_wrote_bytes_as_text(tmp_path: Path) -> None:
    array = b"".join(
        (
            b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85",
            b"cnumpy\ndtype\nU\x02i4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"U\x08" + struct.pack("<2i", 7, -200) + b"tb.",
        )
    )
    assert read(array, tmp_path).tolist() == [7, -200]


class Calls:
    """Unpickled, it would call a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.calls = function, arguments

    def __reduce__(self) -> Any:
        return self.calls


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("value", "named"),
    [
        (lambda trace: Calls(os.system, f"touch {trace}"), "system"),
        (lambda trace: Calls(eval, f"open({str(trace)!r}, 'w')"), "eval"),
        (lambda trace: Calls(getattr, "", "join"), "getattr"),
        (lambda trace: {"gnd": [Calls(open, str(trace), "w")]}, "open"),
        (lambda trace: OrderedDict(a=1), "OrderedDict"),
        (lambda trace: date(2018, 6, 18), "date"),
        (lambda trace: Calls(np.load, str(trace)), "load"),
    ],
    ids=["system", "eval", "getattr", "open", "OrderedDict", "date", "load"],
)
def test_anything_else_is_refused_and_not_run(value: Any, named: str, protocol: int, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(InvalidArgumentError, match=rf"table\.pkl holds \S*{named}, .* refused"):
        read(pickle.dumps(value(trace), protocol), tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "array",
    [np.array(["text"]), np.array([object()]), np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]), np.array([1j])],
    ids=["text", "objects", "records", "complex"],
)
def test_arrays_of_other_things_are_refused(array: Any, tmp_path: Path) -> None:
    content = pickle.dumps({"gnd": array}, 2).replace(b"ctests", b"cno")
    with pytest.raises(InvalidArgumentError, match=r"table\.pkl holds"):
        read(content, tmp_path)


@pytest.mark.parametrize(("shape", "length"), [((2**40,), 8), ((3,), 16), ((-1,), 8), ((1,), 7)])
def test_arrays_have_as_many_bytes_as_they_say(shape: tuple[int, ...], length: int, tmp_path: Path) -> None:
    kind = np.zeros(1, np.int64).dtype
    frombuffer: Any = np.zeros(1).__reduce_ex__(5)[0]
    with pytest.raises(InvalidArgumentError, match="malformed"):
        read(pickle.dumps(Calls(frombuffer, bytes(length), kind, shape, "C"), 4), tmp_path)


def test_arrays_are_made_as_numpy_makes_them(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="not made as arrays are; it is refused"):
        read(pickle.dumps(Calls(np.ndarray, (2**20, 2**20)), 2), tmp_path)


def test_what_holds_itself_is_refused(tmp_path: Path) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidArgumentError, match="holds itself"):
        read(pickle.dumps(endless), tmp_path)


def test_lists_of_lists_of_one_list_take_no_more_than_they_are(tmp_path: Path) -> None:
    table: list[Any] = []
    for _ in range(100):  # 2**100 lists, written out
        table = [table, table]
    assert len(read(pickle.dumps(table), tmp_path)) == 2


def test_instructions_that_set_attributes_reach_nothing_that_stays(tmp_path: Path) -> None:
    """BUILD sets attributes of whatever is on the stack, functions too."""
    attack = b"\x80\x02c_codecs\nencode\nN}X\x0c\x00\x00\x00__defaults__X\x01\x00\x00\x00x\x85s\x86b."
    pickletools.dis(attack, io.StringIO())  # it is well-formed
    with pytest.raises(InvalidArgumentError, match="does not; it is refused"):
        read(attack, tmp_path)
    same(read(pickle.dumps(TABLE, 2), tmp_path))


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x02", b"\x80\xff.", b"gnd,imlist\n1,2\n", b"(" * 10_000])
def test_what_is_no_pickle_is_told(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="no pickle, or is truncated"):
        read(content, tmp_path)


def test_a_file_that_is_not_there_or_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        read_pickle(tmp_path / "missing.pkl")
    with (tmp_path / "long.pkl").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(InvalidArgumentError, match="longer than 64 MiB"):
        read_pickle(tmp_path / "long.pkl")


@settings(deadline=None)
@given(data=st.data())
def test_damaged_pickles_raise_that_and_nothing_else(data: st.DataObject, tmp_path_factory: Any) -> None:
    content = bytearray(pickle.dumps(TABLE, data.draw(st.sampled_from([2, 4, 5]))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        read_pickle(path)
    except InvalidArgumentError as error:
        assert "damaged.pkl" in error.message  # noqa: PT017 # most damage is told, some is another table
