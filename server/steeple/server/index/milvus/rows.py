"""Images as rows of a collection, one a descriptor and one more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS
from steeple.errors import InvalidArgumentError
from steeple.server.catalogue.records import LatLng
from steeple.server.catalogue.regions import region_of
from steeple.server.index import protocol
from steeple.server.index.milvus import schema
from steeple.server.index.milvus.writing import Held
from steeple.server.index.protocol import MAX_IMAGE_KEY

_FEATURE_BITS: Final = 12  # an image has at most 4096 features: number and key fit into an int64
_FEATURE_MASK: Final = (1 << _FEATURE_BITS) - 1
_FAR: Final = 8.0  # from the unit sphere, on which descriptors lie


@dataclass(frozen=True, eq=False)
class ImageFacts:
    """What a collection says of an image besides its descriptors, for other tools and for filters.

    Attributes:
        landmark_key: Of the catalogue; -1: unknown.
        labels: Of the landmark.
        location: Of the landmark.
        keypoints: float32[N, 2]; x and y in pixels of the image, a row for each descriptor. None: zeros.
        scales: float32[N]; of the features. None: zeros.
    """

    landmark_key: int = -1
    labels: Sequence[str] = field(default=())
    location: LatLng | None = None
    keypoints: NDArray[np.float32] | None = None
    scales: NDArray[np.float32] | None = None

    @property
    def region(self) -> int:
        """The cell that it lies in."""
        return region_of(self.location)


@dataclass(frozen=True, eq=False)
class ImageRows:
    """An image to be written.

    Attributes:
        key: Its key.
        descriptors: float32[N, 40].
        about: What else is known.
    """

    key: int
    descriptors: NDArray[np.float32]
    about: ImageFacts

    @staticmethod
    def checked(key: int, descriptors: NDArray[np.float32], about: ImageFacts | None) -> ImageRows:
        """One whose parts go together.

        Raises:
            InvalidArgumentError: If they do not, or a value is out of range.
        """
        rows, about = protocol.checked(descriptors), about or ImageFacts()
        for values, shape in ((about.keypoints, (len(rows), 2)), (about.scales, (len(rows),))):
            if values is not None and values.shape != shape:
                raise InvalidArgumentError(f"geometry of {len(rows)} descriptors must be {shape}, not {values.shape}")
        return ImageRows(protocol.checked_key(key), rows, about)

    @property
    def held(self) -> Held:
        """What a collection has of it once it is written."""
        return Held(len(self.descriptors), self.about.region)

    def surplus(self, before: Held | None) -> range:
        """Primary keys of descriptors that were there before and have none in their place."""
        return row_ids(self.key, len(self.descriptors), 0 if before is None else before.count)

    def moves(self, before: Held | None) -> bool:
        """Whether its rows lie in another region than those that there were before."""
        return before is not None and before.region != self.about.region


def portions(images: Sequence[ImageRows], most: int) -> Iterator[list[ImageRows]]:
    """Images that have descriptors, together as many as a request may have."""
    some: list[ImageRows] = []
    count = 0
    for image in images:
        if some and count + len(image.descriptors) > most:
            yield some
            some, count = [], 0
        if len(image.descriptors):
            some.append(image)
            count += len(image.descriptors)
    if some:
        yield some


def marker_id(key: int) -> int:
    """Primary key of the row that stands for an image as a whole; less than 0, and rising with the key.

    Its feature number is the image's number of descriptors. Its vector is far from all descriptors.
    """
    return key - MAX_IMAGE_KEY - 1


def row_ids(key: int, start: int, end: int) -> range:
    """Primary keys of an image's descriptors from ``start`` to before ``end``; 0 or more."""
    return range((key << _FEATURE_BITS) + start, (key << _FEATURE_BITS) + end)


def images_of(ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Image keys and feature numbers of primary keys; both -1 where the primary key is negative."""
    none = ids < 0
    features = np.where(none, -1, ids & _FEATURE_MASK)
    return np.where(none, -1, ids >> _FEATURE_BITS), features.astype(np.int32)


def read_markers(fields: Mapping[str, Any]) -> dict[int, Held]:
    """What there is of images, from schema_pb2.FieldData of their markers by name of the field."""
    if not fields:
        return {}
    ids, regions = (fields[name].scalars.long_data.data for name in (schema.ID, schema.REGION))
    counts = fields[schema.FEATURE].scalars.int_data.data
    return {
        marker + MAX_IMAGE_KEY + 1: Held(count, region)
        for marker, count, region in zip(ids, counts, regions, strict=True)
    }


def read_rows(found: Mapping[str, Any], fields: Sequence[str]) -> list[list[Any]]:
    """Values of some fields, by primary key, from schema_pb2.FieldData by name of the field."""
    columns = [schema.values_of(found[field]) for field in (schema.ID, *fields)] if found else []
    return [list(row[1:]) for row in sorted(zip(*columns, strict=True), key=lambda row: int(row[0]))]


def columns_of_markers(images: Sequence[ImageRows]) -> list[Any]:
    """schema_pb2.FieldData of the rows that stand for whole images."""
    vectors = np.zeros((len(images), DIMENSIONS), np.float32)
    vectors[:, 0] = _FAR
    counts = np.array([len(image.descriptors) for image in images])
    keys = np.array([image.key for image in images], np.int64)
    return _columns(
        ids=keys - (MAX_IMAGE_KEY + 1),
        features=counts,
        vectors=vectors,
        images=images,
        repeats=np.ones(len(images), np.int64),
        geometry=np.zeros((len(images), 3), np.float32),
    )


def columns_of_descriptors(images: Sequence[ImageRows]) -> list[Any]:
    """schema_pb2.FieldData of the rows of all descriptors."""
    counts = np.array([len(image.descriptors) for image in images])
    features = np.concatenate([np.arange(count) for count in counts])
    keys = np.repeat(np.array([image.key for image in images], np.int64), counts)
    geometry = np.zeros((len(features), 3), np.float32)
    ends = np.cumsum(counts)
    for image, start, end in zip(images, ends - counts, ends, strict=True):
        if image.about.keypoints is not None:
            geometry[start:end, :2] = image.about.keypoints
        if image.about.scales is not None:
            geometry[start:end, 2] = image.about.scales
    return _columns(
        ids=(keys << _FEATURE_BITS) + features,
        features=features,
        vectors=np.concatenate([image.descriptors for image in images]),
        images=images,
        repeats=counts,
        geometry=geometry,
    )


def _columns(
    *,
    ids: NDArray[np.int64],
    features: NDArray[np.int64],
    vectors: NDArray[np.float32],
    images: Sequence[ImageRows],
    repeats: NDArray[np.int64],
    geometry: NDArray[np.float32],
) -> list[Any]:
    abouts = [image.about for image in images]
    places = [about.location or LatLng(schema.NO_DEGREES, schema.NO_DEGREES) for about in abouts]

    def each(values: Sequence[float], dtype: type) -> NDArray[Any]:
        return np.repeat(np.array(values, dtype), repeats)

    return [
        schema.longs(schema.ID, ids),
        schema.longs(schema.IMAGE_KEY, each([image.key for image in images], np.int64)),
        schema.integers(schema.FEATURE, features),
        *(schema.floats(name, geometry[:, place]) for place, name in enumerate(schema.GEOMETRY)),
        schema.longs(schema.LANDMARK_KEY, each([about.landmark_key for about in abouts], np.int64)),
        schema.texts(schema.LABELS, [about.labels for about in abouts], repeats),
        schema.doubles(schema.LATITUDE, each([place.latitude for place in places], np.float64)),
        schema.doubles(schema.LONGITUDE, each([place.longitude for place in places], np.float64)),
        schema.longs(schema.REGION, each([about.region for about in abouts], np.int64)),
        schema.vectors(schema.DESCRIPTOR, vectors),
    ]
