"""Networks as ONNX graphs, put together layer by layer from weights, and run by ONNX Runtime.

So a network runs without the framework that it was trained with. Weights come in Keras' layout, as this project's
training keeps them (:mod:`steeple.delf.training.layer_weights`); within the graph, pictures and maps are
float32[B, C, H, W].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from steeple.errors import ReleaseError

_OPSET: Final = 17
_IR_VERSION: Final = 9
_QUIET: Final = 3  # errors only
_AXIS: Final = 1

Padding = str | int
"""``same`` as TensorFlow pads (more at the end), ``valid``, or pixels on every side as PyTorch pads."""


class Graph:
    """A network in the making. Methods take names of tensors and give the name of a new one.

    Args:
        name: Of the network.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._constants: dict[str, NDArray[Any]] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, channels: int) -> str:
        """A picture float32[B, channels, H, W] of any size."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", channels, "H", "W"]))
        return name

    def output(self, x: str, name: str, rank: int = 4) -> None:
        """Makes a tensor of so many axes an output."""
        self._nodes.append(helper.make_node("Identity", [x], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank))

    def op(self, kind: str, inputs: Sequence[str | NDArray[Any]], **attributes: Any) -> str:  # noqa: ANN401 - ONNX's
        """Any operator of ONNX with one output; arrays among its inputs become constants."""
        named = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        result = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, named, [result], **attributes))
        return result

    def conv(
        self,
        x: str,
        kernel: NDArray[np.float32],
        bias: NDArray[np.float32] | None = None,
        *,
        stride: int = 1,
        padding: Padding = "same",
    ) -> str:
        """A convolution with a kernel float32[h, w, in, out]."""
        return self._convolved(x, kernel.transpose(3, 2, 0, 1), bias, stride, padding, 1)

    def depthwise(
        self,
        x: str,
        kernel: NDArray[np.float32],
        bias: NDArray[np.float32] | None = None,
        *,
        stride: int = 1,
        padding: Padding = "same",
    ) -> str:
        """A convolution of each channel alone, with a kernel float32[h, w, channels, 1]."""
        return self._convolved(x, kernel.transpose(2, 3, 0, 1), bias, stride, padding, kernel.shape[2])

    def norm(self, x: str, weights: Sequence[NDArray[np.float32]], epsilon: float) -> str:
        """Batch normalisation as at inference.

        Args:
            x: Of any spatial size.
            weights: float32[C] each: gamma, beta, mean, variance; or mean and variance alone.
            epsilon: Added to the variance.
        """
        mean, variance = weights[-2:]
        gamma, beta = weights[:2] if len(weights) == 4 else (np.ones_like(mean), np.zeros_like(mean))
        return self.op("BatchNormalization", [x, gamma, beta, mean, variance], epsilon=epsilon)

    def relu(self, x: str, limit: float | None = None) -> str:
        """The positive part, up to a limit (ReLU6: 6)."""
        if limit is None:
            return self.op("Relu", [x])
        return self.op("Clip", [x, np.array(0.0, np.float32), np.array(limit, np.float32)])

    def add(self, x: str, y: str) -> str:
        """The sum of two tensors of one shape."""
        return self.op("Add", [x, y])

    def average_pool(self, x: str, size: int) -> str:
        """Means of squares of so many pixels."""
        return self.op("AveragePool", [x], kernel_shape=[size, size], strides=[size, size])

    def upsample(self, x: str, factor: int) -> str:
        """Enlarged bilinearly, pixels being squares (as Keras' UpSampling2D)."""
        scales = np.array([1, 1, factor, factor], np.float32)
        return self.op("Resize", [x, "", scales], mode="linear", coordinate_transformation_mode="half_pixel")

    def unit(self, x: str) -> str:
        """L2-normalised over channels."""
        norm = self.op("ReduceL2", [x], axes=[_AXIS], keepdims=1)
        return self.op("Div", [x, self.op("Max", [norm, np.array(1e-12, np.float32)])])

    def dense(self, x: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """float32[B, in] times a kernel float32[in, out]."""
        return self.op("Gemm", [x, kernel, bias])

    def model(self) -> bytes:
        """The whole as the content of an .onnx file.

        Raises:
            ReleaseError: If ONNX finds that it is no network.
        """
        constants = [numpy_helper.from_array(array, name) for name, array in self._constants.items()]
        graph = helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
        model.ir_version = _IR_VERSION
        try:
            onnx.checker.check_model(model)
        except onnx.checker.ValidationError as error:
            raise ReleaseError(f"{self._name} cannot be put together: {error}") from error
        content: bytes = model.SerializeToString()
        return content

    def _convolved(
        self,
        x: str,
        kernel: NDArray[np.float32],
        bias: NDArray[np.float32] | None,
        stride: int,
        padding: Padding,
        group: int,
    ) -> str:
        inputs: list[str | NDArray[Any]] = [x, np.ascontiguousarray(kernel), *([] if bias is None else [bias])]
        attributes: dict[str, Any] = {"strides": [stride, stride], "group": group}
        if isinstance(padding, int):
            attributes["pads"] = [padding] * 4
        else:
            attributes["auto_pad"] = "SAME_UPPER" if padding == "same" else "VALID"
        return self.op("Conv", inputs, **attributes)

    def _constant(self, array: NDArray[Any]) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = np.asarray(array)
        return name


class OnnxNetwork:
    """A network that runs. Any number of threads may call it.

    Args:
        content: Of an .onnx file, or the file's path.
        threads: Threads that one call may use.

    Raises:
        ReleaseError: If it is no network.
    """

    def __init__(self, content: bytes | Path, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        try:
            data = content.read_bytes() if isinstance(content, Path) else content
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common class
            raise ReleaseError(f"the network cannot be loaded: {error}") from error
        self._names = [one.name for one in self._session.get_outputs()]

    def __call__(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """All outputs by name, of inputs by name."""
        return dict(zip(self._names, self._session.run(self._names, dict(inputs)), strict=True))


def picture(image: NDArray[np.uint8], mean: float = 127.0, scale: float = 128.0) -> NDArray[np.float32]:
    """float32[1, 3, H, W] of a photo uint8[H, W, 3]: (p - mean) / scale, as EfficientNet-Lite was trained."""
    return np.ascontiguousarray(((image.astype(np.float32) - mean) / scale).transpose(2, 0, 1)[None])
