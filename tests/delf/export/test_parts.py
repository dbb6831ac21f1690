"""The parts of an export that need no TensorFlow: projection, codebook, pretrained weights."""

from __future__ import annotations

import collections
import io
import pickle
import struct
import sys
import types
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.export import codebook, pretrained, projection
from steeple.errors import ReleaseError

SMALL = "IVF16,PQ20np"
"""np: FAISS sorts no centroids for polysemous search, which takes a minute and which nothing uses."""


def unit(random: np.random.Generator, count: int, dimensions: int) -> NDArray[np.float32]:
    vectors = random.standard_normal((count, dimensions)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


# --- projection ---


def test_the_projection_finds_the_directions_of_most_energy() -> None:
    random = np.random.default_rng(3)
    basis = np.linalg.qr(random.standard_normal((12, 12)))[0]
    energy = np.array([9, 6, 4, *[0.05] * 9])
    samples = (random.standard_normal((5000, 12)) * energy @ basis.T).astype(np.float32)
    found = projection.principal_components([samples[:2000], samples[2000:]], 3)
    np.testing.assert_allclose(found.T @ found, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(np.abs((found * basis[:, :3]).sum(axis=0)), 1.0, atol=0.01)
    assert (found[np.abs(found).argmax(axis=0), np.arange(3)] > 0).all(), "signs are fixed"
    np.testing.assert_allclose(projection.principal_components([samples], 3), found, atol=1e-5)
    np.testing.assert_allclose(projection.principal_components([samples * 7], 3), found, atol=1e-5)


# --- codebook ---


def test_a_codebook_is_trained_empty_and_the_same_every_time() -> None:
    descriptors = unit(np.random.default_rng(4), 3000, 40)
    first = codebook.train(SMALL, descriptors)
    assert codebook.train(SMALL, descriptors) == first
    assert codebook.train(SMALL, descriptors[::-1].copy()) != first
    index: Any = faiss.deserialize_index(np.frombuffer(first, np.uint8))
    assert (index.is_trained, index.ntotal, index.d, index.nlist) == (True, 0, 40, 16)


# --- pretrained weights ---


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
        "_fc.weight": random.random((1000, 1280)),
    }
    layers = pretrained.keras_weights(state)
    assert {name: [array.shape for array in arrays] for name, arrays in layers.items()} == {
        "conv_stem": [(3, 3, 3, 32)],
        "block7_depthwise_conv": [(5, 5, 24, 1)],
        "block7_bn1": [(24,)] * 4,
    }
    assert layers["conv_stem"][0][2, 1, 0, 31] == np.float32(state["_conv_stem.weight"][31, 0, 2, 1])
    assert layers["block7_depthwise_conv"][0][4, 3, 23, 0] == np.float32(
        state["_blocks.7._depthwise_conv.weight"][23, 0, 4, 3]
    )
