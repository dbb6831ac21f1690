"""Networks that make feature maps of a photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.baselines.efficientnet import classifier, efficientnet_lite, imagenet_weights
from steeple.baselines.graph import Graph, OnnxNetwork, picture
from steeple.delf import Extractor
from steeple.delf.training.architecture import ARCHITECTURES
from steeple.delf.training.layer_weights import LayerWeights
from steeple.errors import InvalidArgumentError
from steeple.lab.features import FeatureMaps
from steeple.lab.pooling.trained import trained_weights
from steeple.lab.protocols import Backbone, Kind

_FAMILY: Final = "efficientnet-lite0"
_SIZES: Final = (640,)
_LEAST_SIZE: Final = 32
_INPUT: Final = "x"
_OUTPUT: Final = "y"
_TOP_SIDE: Final = 224
_RELEASE: Final = "delf-lite2-v1"
_LAYERS: Final = {"head": None, "stride-16": 16, "stride-32": 32}
_TOPS: Final = ("mean", "classes")


class ConvolutionalBackbone:
    """An EfficientNet-Lite, shown a photo at one or more sizes.

    Args:
        weights: By layer.
        layer: Whose maps: ``head``, the last convolution (1280 channels, stride 32); ``stride-16`` or ``stride-32``,
            the last block of that stride, of whose output the positive part is taken.
        sizes: Pixels of the longer side, each once. Smaller photos are enlarged, so that what a photo shows does not
            change with how finely it is stored.

    Raises:
        InvalidArgumentError: If there is no such layer, or a size is too small or repeated.
        ReleaseError: If weights are of another network.
    """

    def __init__(self, weights: LayerWeights, layer: str = "head", sizes: Sequence[int] = _SIZES) -> None:
        if layer not in _LAYERS:
            raise InvalidArgumentError(f"there is no layer {layer}; there are {', '.join(_LAYERS)}")
        if not sizes or len(set(sizes)) < len(sizes) or min(sizes) < _LEAST_SIZE:
            raise InvalidArgumentError(f"sizes are one or more of at least {_LEAST_SIZE} pixels, not {list(sizes)}")
        self._sizes = sorted(sizes, reverse=True)
        self._network = OnnxNetwork(_maps_of(weights, layer))

    def maps(self, image: NDArray[np.uint8]) -> FeatureMaps:
        """float32[h, w, C] of each size, largest first: not negative."""
        return tuple(self._map(resized(image, size)) for size in self._sizes)

    def _map(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.ascontiguousarray(self._network({_INPUT: picture(image)})[_OUTPUT][0].transpose(1, 2, 0))


class ClassifyingBackbone:
    """An EfficientNet-Lite as a classifier of small square pictures; what it makes is one cell.

    Args:
        weights: By layer.
        top: ``mean``, the classifier's input: the mean of the last convolution's maps, 1280 values that are not
            negative; or ``classes``, the 1000 classes' logits, which may be.

    Raises:
        InvalidArgumentError: If there is no such top.
        ReleaseError: If weights are of another network.
    """

    def __init__(self, weights: LayerWeights, top: str = "mean") -> None:
        if top not in _TOPS:
            raise InvalidArgumentError(f"there is no top {top}; there are {', '.join(_TOPS)}")
        graph = Graph("classifier")
        maps = efficientnet_lite(graph, graph.input(_INPUT, 3), weights, _FAMILY, head=True)
        flat = graph.op("Flatten", [graph.op("GlobalAveragePool", [maps])])
        graph.output(flat if top == "mean" else classifier(graph, maps, weights), _OUTPUT, 2)
        self._network = OnnxNetwork(graph.model())

    def maps(self, image: NDArray[np.uint8]) -> FeatureMaps:
        """One float32[1, 1, C], of the photo squeezed into a square."""
        squeezed = _scaled(image, _TOP_SIDE, _TOP_SIDE)
        return (self._network({_INPUT: picture(squeezed)})[_OUTPUT][None],)


class ReleaseBackbone:
    """The global descriptor of a model release, as one cell.

    Args:
        release: Its name.

    Raises:
        NotFoundError: If there is no such release.
    """

    def __init__(self, release: str = _RELEASE) -> None:
        self._extractor = Extractor(release)

    def maps(self, image: NDArray[np.uint8]) -> FeatureMaps:
        """One float32[1, 1, G], whose values may be negative.

        Raises:
            FailedPreconditionError: If the release makes no global descriptors.
        """
        return (self._extractor.global_descriptor(image)[None, None],)


def resized(image: NDArray[np.uint8], longer: int) -> NDArray[np.uint8]:
    """A photo uint8[H, W, 3] with so many pixels on its longer side."""
    height, width = image.shape[:2]
    factor = longer / max(height, width)
    return _scaled(image, max(1, round(width * factor)), max(1, round(height * factor)))


def _scaled(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    # The mean over areas is free of moire where pixels become fewer, and has blocks where they become more.
    shrinks = width * height < image.shape[0] * image.shape[1]
    found = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(found, np.uint8)


def _maps_of(weights: LayerWeights, layer: str) -> bytes:
    graph = Graph(layer)
    x = graph.input(_INPUT, 3)
    stride = _LAYERS[layer]
    if stride is None:
        y = efficientnet_lite(graph, x, weights, _FAMILY, head=True)
    else:
        last_block = ARCHITECTURES[_FAMILY].last_block(stride)
        y = graph.relu(efficientnet_lite(graph, x, weights, _FAMILY, last_block))
    graph.output(y, _OUTPUT)
    return graph.model()


def make_imagenet(layer: str = "head", sizes: Sequence[int] = _SIZES) -> ConvolutionalBackbone:
    """Lite0 as ImageNet has trained it."""
    return ConvolutionalBackbone(imagenet_weights(_FAMILY), layer, sizes)


def make_imagenet_top(top: str = "mean") -> ClassifyingBackbone:
    """Lite0's classifier of ImageNet."""
    return ClassifyingBackbone(imagenet_weights(_FAMILY), top)


def make_siamac(sizes: Sequence[int] = _SIZES) -> ConvolutionalBackbone:
    """Lite0 tuned for MAC."""
    return ConvolutionalBackbone(trained_weights("siamac"), "head", sizes)


def make_dir(sizes: Sequence[int] = _SIZES) -> ConvolutionalBackbone:
    """Lite0 tuned for R-MAC: what training has changed, and ImageNet's weights where it has not."""
    return ConvolutionalBackbone({**imagenet_weights(_FAMILY), **trained_weights("dir")}, "head", sizes)


_SIZES_CHOICE: Final = "EfficientNet-Lite0 where papers have VGG or ResNet; photos of 640 pixels on the longer side"

BACKBONES: Final[Mapping[str, Kind[Backbone]]] = {
    "imagenet": Kind(
        "ImageNet network",
        "Tan and Le, ICML 2019 (EfficientNet; Lite: its authors, 2020)",
        f"{_SIZES_CHOICE}; the last convolutional layer, as is usual.",
        make_imagenet,
    ),
    "imagenet-top": Kind(
        "ImageNet network's top layer",
        "Babenko et al., ECCV 2014 (neural codes)",
        "EfficientNet-Lite0 where the paper has AlexNet; it has one fully connected layer, so the code is that layer's "
        "input. Photos are squeezed to 224 x 224 pixels, as in the paper.",
        make_imagenet_top,
    ),
    "siamac": Kind(
        "siaMAC network",
        "Radenovic et al., ECCV 2016 (CNN image retrieval learns from BoW)",
        f"{_SIZES_CHOICE}; tuned by this project on its own training photos.",
        make_siamac,
    ),
    "dir": Kind(
        "Deep Image Retrieval network",
        "Gordo et al., IJCV 2017 (end-to-end learning of deep visual representations)",
        f"{_SIZES_CHOICE}; tuned by this project on its own training photos.",
        make_dir,
    ),
    "delf-global": Kind(
        "DELF release's global descriptor",
        "",
        "One vector as the release makes it for short-listing: GeM, projected by a learned layer, over its pyramid.",
        ReleaseBackbone,
    ),
}
