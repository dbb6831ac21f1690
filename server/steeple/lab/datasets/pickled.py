"""Pickled tables of others, read without running anything: plain Python values, and arrays of numbers.

A pickle may name any function for the reader to call. Here each name that such a file needs stands for a function of
this module, and any other is refused; of NumPy nothing is called but ``frombuffer``, on bytes whose length has been
checked.
"""

from __future__ import annotations

import io
import math
import pickle  # only its restricted subclass below is used
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError

_LARGEST: Final = 64 * 1024 * 1024  # bytes; the ground truth of Revisited Paris has less than one
_NUMBERS: Final = frozenset({"b1", "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})
_MODULES: Final = ("numpy.core", "numpy._core")  # of NumPy 1 and 2


def read_pickle(path: Path) -> object:
    """What a pickle holds: dict, list (also for a tuple), str, bytes, numbers, and arrays of numbers.

    Raises:
        InvalidArgumentError: If it cannot be read, is longer than 64 MiB, or holds anything else.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidArgumentError(f"{path} is longer than 64 MiB, which no such file is")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error}") from error
    try:
        return _Plain().of(_Reader(content).load())
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{path} {error.message}") from error
    # Malformed pickles raise almost anything, by whichever instruction meets them.
    except (pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError, LookupError) as error:
        raise InvalidArgumentError(f"{path} is no pickle, or is truncated: {error}") from error
    except (MemoryError, RecursionError, TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{path} is no pickle, or is truncated: {error}") from error


class _Type:
    """Stands for ``numpy.dtype``."""

    def __init__(self, code: object) -> None:
        if not isinstance(code, str) or code not in _NUMBERS:
            _refuse(f"an array of {code!r}, not of numbers")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] == ">":
            self.dtype = self.dtype.newbyteorder(">")


class _Array:
    """Stands for an array: of protocol 5, or one that is filled when its state comes."""

    def __init__(self, array: NDArray[np.generic] | None = None) -> None:
        self.array = array

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise InvalidArgumentError("holds an array that is malformed")
        _, shape, dtype, by_columns, data = state
        self.array = _numbers(data, dtype, shape, "F" if by_columns else "C")


class _Reader(pickle.Unpickler):
    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")  # Python 2 wrote bytes as str

    def find_class(self, module: str, name: str) -> object:
        # Functions made for this call alone: an instruction of the file may set attributes of what it is given.
        allowed: dict[tuple[str, str], Callable[..., object]] = {
            ("numpy", "dtype"): lambda code, *_: _Type(code),
            ("numpy", "ndarray"): lambda *_: _refuse("an array that is not made as arrays are"),  # an argument below
            # How protocols before 3 write bytes, and no bytes.
            ("_codecs", "encode"): lambda text, encoding=None: _encoded(text, encoding),
            ("__builtin__", "bytes"): lambda: b"",
        }
        for core in _MODULES:
            allowed[f"{core}.multiarray", "_reconstruct"] = lambda *_: _Array()
            allowed[f"{core}.multiarray", "scalar"] = lambda dtype, data: _numbers(data, dtype, (), "C").item()
            allowed[f"{core}.numeric", "_frombuffer"] = lambda data, dtype, shape, order: _Array(
                _numbers(data, dtype, shape, order)
            )
        if (module, name) not in allowed:
            _refuse(f"{module}.{name}, which a table of a data set does not")
        return allowed[module, name]


def _refuse(what: str) -> NoReturn:
    raise InvalidArgumentError(f"holds {what}; it is refused")


def _encoded(text: object, encoding: object) -> bytes:
    """Bytes that were written as text."""
    if not isinstance(text, str) or encoding != "latin1":
        _refuse("bytes in another encoding")
    return text.encode("latin1")


def _numbers(data: object, dtype: object, shape: object, order: object) -> NDArray[np.generic]:
    """Of bytes, if they are as many as type and shape say."""
    content = data.encode("latin1") if isinstance(data, str) else data  # Python 2 wrote bytes as str
    if not (
        isinstance(dtype, _Type)
        and isinstance(content, bytes | bytearray)
        and isinstance(shape, tuple)
        and all(isinstance(side, int) and side >= 0 for side in shape)
        and len(content) == math.prod(shape) * dtype.dtype.itemsize
    ):
        raise InvalidArgumentError("holds an array that is malformed")
    array: NDArray[np.generic] = np.frombuffer(content, dtype.dtype)
    return array.reshape(shape, order="F" if order == "F" else "C")


class _Plain:
    """Puts arrays in place of what stood for them, and refuses what a table does not hold.

    What is in several places is converted once: a short file can hold lists of lists of one list, which written out
    fill any memory.
    """

    def __init__(self) -> None:
        self._done: dict[int, object] = {}
        self._begun: set[int] = set()

    def of(self, value: object) -> object:
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        if id(value) not in self._done:
            if id(value) in self._begun:
                _refuse("something that holds itself")
            self._begun.add(id(value))
            self._done[id(value)] = self._converted(value)
        return self._done[id(value)]

    def _converted(self, value: object) -> object:
        match value:
            case list() | tuple():
                return [self.of(each) for each in value]
            case dict() if all(isinstance(key, str) for key in value):
                return {key: self.of(each) for key, each in value.items()}
            case _Array(array=np.ndarray() as array):
                return array
            case _:
                _refuse("what a table of a data set does not")
