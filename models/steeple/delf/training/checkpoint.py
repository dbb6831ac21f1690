"""Where a training stage stands, on disk: all of its variables and its step, in one file that is whole or not there."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import ReleaseError

_STEP: Final = "step"


def save(file: Path, step: int, variables: Sequence[Any]) -> None:
    """Writes the values of Keras variables, in order, and how many steps are done."""
    write_arrays(file, {_STEP: np.array(step), **{str(n): np.asarray(v) for n, v in enumerate(variables)}})


def restore(file: Path, variables: Sequence[Any]) -> int:
    """Sets Keras variables to what :func:`save` wrote.

    Returns:
        How many steps are done.

    Raises:
        ReleaseError: If the file is damaged, or of another network.
    """
    arrays = read_arrays(file)
    step = arrays.pop(_STEP, None)
    values = [arrays.get(str(number)) for number in range(len(arrays))]
    shapes = [None if value is None else tuple(value.shape) for value in values]
    if step is None or shapes != [tuple(variable.shape) for variable in variables]:
        raise ReleaseError(f"{file} is a checkpoint of another network; train into another folder")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return int(step)


def write_arrays(file: Path, arrays: Mapping[str, NDArray[Any]], *, compressed: bool = False) -> None:
    """Writes named arrays as .npz; after a crash there is the file of before, or all of the new one.

    Args:
        file: To write.
        arrays: By name.
        compressed: Deflated; half-precision numbers as they are gain little by it.
    """
    aside = file.with_name(f".{file.name}.new")
    with aside.open("wb") as opened:
        # Not np.savez: the time of writing would make every file another.
        with zipfile.ZipFile(opened, "w") as archive:
            for name, array in arrays.items():
                info = zipfile.ZipInfo(f"{name}.npy")
                info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
                with archive.open(info, "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
        opened.flush()
        os.fsync(opened.fileno())
    aside.replace(file)


def read_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """Reads what :func:`write_arrays` wrote.

    Raises:
        ReleaseError: If the file is missing or damaged.
    """
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                with archive.open(name) as entry:
                    arrays[name.removesuffix(".npy")] = np.lib.format.read_array(entry, allow_pickle=False)
    # RuntimeError: damage can make an entry seem encrypted, or of a newer format.
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise ReleaseError(f"{file} cannot be read: {error}") from error
    return arrays
