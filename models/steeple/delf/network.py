"""One .tflite network on whichever TFLite runtime is installed."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.native_output import without_lines
from steeple.errors import FailedPreconditionError, ReleaseError

_RUNTIMES: Final = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")

_REMARK: Final = b"INFO: Created TensorFlow Lite XNNPACK delegate"
_remark = threading.Lock()
_remarked = False


class Network:
    """A fully convolutional network: an image in, a descriptor and an attention score per cell out.

    Not thread safe: one thread at a time, whichever.

    Args:
        path: The .tflite file. Its one input is the image, int8 or float32; its outputs are the descriptors and
            the attention scores (1 channel) on the same grid and, if it has one, the global descriptor, each
            quantized or not.
        threads: Threads that one invocation may use.

    Raises:
        FailedPreconditionError: If no TFLite runtime is installed.
        ReleaseError: If the file is not such a network.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._interpreter = _interpreter(path, threads)
        self._input = self._interpreter.get_input_details()[0]
        outputs = self._interpreter.get_output_details()
        maps = sorted(
            (detail for detail in outputs if len(detail["shape"]) == 4), key=lambda detail: int(detail["shape"][-1])
        )
        vectors = [detail for detail in outputs if len(detail["shape"]) == 2]
        if (
            self._input["dtype"] not in (np.int8, np.float32)
            or len(maps) != 2
            or int(maps[0]["shape"][-1]) != 1
            or len(vectors) > 1
        ):
            raise ReleaseError(f"{path} is not a DELF network: it must take an image and give scores and descriptors")
        self._score_output, self._descriptor_output = maps
        self._global_output = vectors[0] if vectors else None
        self._shape: tuple[int, ...] = ()

    @property
    def global_dimensions(self) -> int:
        """Of the global descriptor; 0 if the network makes none."""
        return 0 if self._global_output is None else int(self._global_output["shape"][-1])

    def __call__(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Runs the network.

        Args:
            image: uint8[H, W, 3], RGB.

        Returns:
            Descriptors float32[h, w, D], not normalised, and attention scores float32[h, w].
        """
        index = self._input["index"]
        if image.shape != self._shape:
            self._interpreter.resize_tensor_input(index, [1, *image.shape])
            self._interpreter.allocate_tensors()
            self._shape = image.shape
        if self._input["dtype"] == np.int8:
            # A pixel value p is stored as p - 128: the network's input is quantized so that this is exact.
            pixels: NDArray[Any] = (image ^ 0x80).view(np.int8)
        else:
            pixels = (image.astype(np.float32) - 127.0) / 128.0
        self._interpreter.set_tensor(index, pixels[None])
        self._interpreter.invoke()
        descriptors = self._read(self._descriptor_output)
        return descriptors, self._read(self._score_output)[..., 0]

    def global_descriptor(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Runs the network for the global descriptor.

        Args:
            image: uint8[H, W, 3], RGB.

        Returns:
            float32[G], not normalised.

        Raises:
            FailedPreconditionError: If the network makes none.
        """
        if self._global_output is None:
            raise FailedPreconditionError("this model release makes no global descriptors; use a newer one")
        self(image)
        return self._read(self._global_output)

    def _read(self, detail: dict[str, Any]) -> NDArray[np.float32]:
        values: NDArray[Any] = self._interpreter.get_tensor(detail["index"])[0]
        if values.dtype == np.float32:
            return values
        scale, zero_point = detail["quantization"]
        return (values.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)


def constant(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A network's constant of a shape that no other has, in float.

    Args:
        path: The .tflite file.
        shape: As the network has it: (out, h, w, in) of a convolution's kernel.

    Raises:
        FailedPreconditionError: If no TFLite runtime is installed.
        ReleaseError: If it has none of this shape, or several.
    """
    interpreter = _interpreter(path, 1)
    interpreter.allocate_tensors()
    found = [each for each in interpreter.get_tensor_details() if tuple(each["shape"]) == shape]
    if len(found) != 1:
        raise ReleaseError(f"{path} has {len(found)} tensors of the shape {list(shape)}, not one")
    values: NDArray[Any] = interpreter.get_tensor(found[0]["index"])
    if values.dtype == np.float32:
        return values
    quantization = found[0]["quantization_parameters"]
    along = [1] * len(shape)
    along[quantization["quantized_dimension"]] = -1
    scales, zeros = (np.reshape(quantization[name], along) for name in ("scales", "zero_points"))
    return np.asarray((values.astype(np.float32) - zeros) * scales, np.float32)


def _interpreter(path: Path, threads: int) -> Any:  # noqa: ANN401 - the runtimes are untyped
    global _remarked  # noqa: PLW0603 - the runtime remarks once a process, so this is once a process, too
    interpreter = _runtime().Interpreter
    if _remarked:
        return interpreter(model_path=str(path), num_threads=threads)
    with _remark, without_lines(_REMARK):
        _remarked = True
        first = interpreter(model_path=str(path), num_threads=threads)
        first.allocate_tensors()  # which is when the remark is made
        return first


def runtime() -> str:
    """Name of the TFLite runtime in use: ``ai_edge_litert`` or ``tflite_runtime``.

    Raises:
        FailedPreconditionError: If none is installed.
    """
    return _runtime().__name__.split(".", maxsplit=1)[0]


def _runtime() -> ModuleType:
    for name in _RUNTIMES:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] != name.split(".", maxsplit=1)[0]:
                raise
    raise FailedPreconditionError(
        "no TFLite runtime is installed; install ai-edge-litert (pip install 'steeple[client]') or tflite-runtime"
    )
