"""Weights out of PyTorch's files, without PyTorch."""

from __future__ import annotations

import collections
import io
import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.training import pretrained
from steeple.errors import ReleaseError


class FloatStorage:
    """Stands in for PyTorch's class of that name."""


class Saved(pickle.Pickler):
    """Writes as PyTorch does: storages by reference, tensors by the name of the function that rebuilds them."""

    def persistent_id(self, value: Any) -> Any:
        return value.identity if isinstance(value, Reference) else None


class Reference:
    def __init__(self, key: str, size: int) -> None:
        self.identity = ("storage", FloatStorage, key, "cpu", size, None)


class Tensor:
    """A tensor in a storage, pickled as PyTorch's are."""

    def __init__(self, key: str, size: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.arguments: tuple[Any, ...] = (
            Reference(key, size),
            offset,
            shape,
            strides,
            False,
            collections.OrderedDict(),
        )

    def __reduce__(self) -> Any:
        return _rebuild_tensor_v2, self.arguments


def _rebuild_tensor_v2(*_: Any) -> None:
    """Stands in for PyTorch's function of that name."""


FloatStorage.__module__ = "torch"
_rebuild_tensor_v2.__module__ = "torch._utils"


@pytest.fixture(autouse=True)
def torch_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the pickler looks up to write a name; reading needs none of it."""
    torch, functions = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = FloatStorage  # type: ignore[attr-defined]
    functions._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    torch._utils = functions  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", functions)


def saved(tensors: dict[str, Any], storages: dict[str, NDArray[np.float32]]) -> bytes:
    file = io.BytesIO()
    for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        Saved(file, 2).dump(part)
    Saved(file, 2).dump(collections.OrderedDict(tensors))
    Saved(file, 2).dump(list(storages))
    for values in storages.values():
        file.write(struct.pack("<q", len(values)) + values.tobytes())
    return file.getvalue()


def test_tensors_are_read_as_they_were_written() -> None:
    values = np.arange(12, dtype=np.float32)
    data = saved(
        {"whole": Tensor("s", 12, 0, (3, 4), (4, 1)), "turned": Tensor("s", 12, 4, (2, 4), (1, 2))}, {"s": values}
    )
    state = pretrained.read_state_dict(data)
    assert list(state) == ["whole", "turned"]
    np.testing.assert_array_equal(state["whole"], values.reshape(3, 4))
    np.testing.assert_array_equal(state["turned"], values[4:].reshape(4, 2).T)
    assert state["whole"].dtype == np.float32


def zipped(tensors: dict[str, Any], storages: dict[str, NDArray[np.float32]]) -> bytes:
    """As PyTorch writes since version 1.6."""
    pickled, file = io.BytesIO(), io.BytesIO()
    Saved(pickled, 2).dump(collections.OrderedDict(tensors))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", pickled.getvalue())
        for key, values in storages.items():
            archive.writestr(f"model/data/{key}", values.tobytes())
    return file.getvalue()


def test_both_formats_hold_the_same() -> None:
    values = np.random.default_rng(2).random(12).astype(np.float32)
    tensors = {"b.weight": Tensor("0", 12, 2, (2, 5), (5, 1)), "a.bias": Tensor("0", 12, 0, (2,), (1,))}
    legacy, new = (pretrained.read_state_dict(make(tensors, {"0": values})) for make in (saved, zipped))
    assert list(legacy) == list(new) == ["b.weight", "a.bias"]
    for name, array in new.items():
        np.testing.assert_array_equal(array, legacy[name])
    np.testing.assert_array_equal(new["b.weight"], values[2:].reshape(2, 5))


def test_a_zip_file_of_anything_else_is_refused() -> None:
    with pytest.raises(ReleaseError, match="truncated"):
        pretrained.read_state_dict(zipped({"w": Tensor("0", 12, 0, (3, 4), (4, 1))}, {"0": np.zeros(11, np.float32)}))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(ReleaseError, match="zip file of something else"):
        pretrained.read_state_dict(file.getvalue())
    with pytest.raises(ReleaseError, match="which a state_dict does not"):
        pretrained.read_state_dict(zipped({"w": print}, {}))


@pytest.mark.parametrize("cut", [1, 30])
def test_truncated_weights_are_refused(cut: int) -> None:
    data = saved({"w": Tensor("s", 12, 0, (3, 4), (4, 1))}, {"s": np.zeros(12, np.float32)})
    with pytest.raises(ReleaseError, match="truncated"):
        pretrained.read_state_dict(data[:-cut])


@pytest.mark.parametrize("value", [Path("/"), io.BytesIO, print])
def test_anything_but_tensors_is_refused(value: object) -> None:
    with pytest.raises(ReleaseError, match="which a state_dict does not"):
        pretrained.read_state_dict(saved({"w": value}, {}))


def test_weights_are_laid_out_as_keras_has_them() -> None:
    random = np.random.default_rng(5)
    state = {
        "_conv_stem.weight": random.random((32, 3, 3, 3)),
        "_blocks.7._depthwise_conv.weight": random.random((24, 1, 5, 5)),
        **{f"_blocks.7._bn1.{part}": random.random(24) for part in ("weight", "bias", "running_mean", "running_var")},
        "_blocks.7._bn1.num_batches_tracked": np.array(3),
        "_fc.weight": random.random((10, 12)),
        "_fc.bias": random.random(10),
    }
    layers = pretrained.keras_weights(state)
    assert {name: [array.shape for array in arrays] for name, arrays in layers.items()} == {
        "conv_stem": [(3, 3, 3, 32)],
        "block7_depthwise_conv": [(5, 5, 24, 1)],
        "block7_bn1": [(24,)] * 4,
        "fc": [(12, 10), (10,)],
    }
    np.testing.assert_array_equal(layers["fc"][0][:, 3], state["_fc.weight"][3].astype(np.float32))
    assert layers["conv_stem"][0][2, 1, 0, 31] == np.float32(state["_conv_stem.weight"][31, 0, 2, 1])
    assert layers["block7_depthwise_conv"][0][4, 3, 23, 0] == np.float32(
        state["_blocks.7._depthwise_conv.weight"][23, 0, 4, 3]
    )
