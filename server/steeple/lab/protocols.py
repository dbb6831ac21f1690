"""What the parts of a method are, so that any of a kind can take the place of another.

A *system* (a row of the table) is put together of them:

    photo -> LocalExtractor -> LocalFeatures [-> Projection] -----> LocalSearch  -> Ranking -> Reranking ... -> Ranking
    photo -> Backbone -> Pooling -> Whitening ---> one vector ----> GlobalSearch -> Ranking -> Reranking ... -> Ranking

Each part is made with its parameters, is fitted once on photos that are neither asked nor searched, and is told nothing
else. Parts are deterministic: what is random has a seed among its parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from steeple.lab.features import FeatureMaps, LocalFeatures
from steeple.lab.rankings import Ranking


class LocalExtractor(Protocol):
    """Makes local features; not thread safe."""

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """The local features of a photo uint8[H, W, 3], RGB."""
        ...


class Projection(Protocol):
    """Makes other descriptors of descriptors: between a local extractor and a local search."""

    def fit(self, training: Sequence[LocalFeatures]) -> None:
        """Fits it, once.

        Raises:
            InvalidArgumentError: If there is too little to fit it on, or descriptors are bits.
        """
        ...

    def apply(self, features: LocalFeatures) -> LocalFeatures:
        """The same features with other descriptors, float32[N, D], L2-normalised.

        Raises:
            FailedPreconditionError: If it was not fitted.
            InvalidArgumentError: If descriptors are of another kind than those that it was fitted on.
        """
        ...


class Backbone(Protocol):
    """A convolutional network that has seen other photos; not thread safe."""

    def maps(self, image: NDArray[np.uint8]) -> FeatureMaps:
        """What it makes of a photo uint8[H, W, 3], RGB, at one or more sizes."""
        ...


class Pooling(Protocol):
    """Makes one vector of feature maps."""

    def fit(self, training: Sequence[FeatureMaps]) -> None:
        """Fits what it has to fit; most have nothing."""
        ...

    def pool(self, maps: FeatureMaps) -> NDArray[np.float32]:
        """float32[D], not whitened; L2-normalised."""
        ...


class GlobalSearch(Protocol):
    """Searches one vector per photo."""

    def fit(self, training: NDArray[np.float32]) -> None:
        """Fits codebooks and the like to vectors float32[T, D], L2-normalised."""
        ...

    def add(self, gallery: NDArray[np.float32]) -> None:
        """Adds the gallery, float32[G, D], L2-normalised, whose positions are the keys. Once."""
        ...

    def search(self, query: NDArray[np.float32], limit: int) -> Ranking:
        """The best for a query float32[D], at most so many."""
        ...

    @property
    def bytes_an_image(self) -> float:
        """What the index keeps for each photo, codebooks left out."""
        ...


class LocalSearch(Protocol):
    """Searches photos by their local features."""

    def fit(self, training: Sequence[LocalFeatures]) -> None:
        """Fits codebooks and the like."""
        ...

    def add(self, gallery: Sequence[LocalFeatures]) -> None:
        """Adds the gallery, whose positions are the keys. Once."""
        ...

    def search(self, query: LocalFeatures, limit: int) -> Ranking:
        """The best for a query, at most so many. A query without features finds nothing."""
        ...

    @property
    def bytes_an_image(self) -> float:
        """What the index keeps for each photo, codebooks left out; without geometry for verification."""
        ...


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a method knows of one photo, as far as its system makes it.

    Attributes:
        vector: float32[D], L2-normalised; None: the system has no global descriptor.
        local: Its local features; None: the system has none.
    """

    vector: NDArray[np.float32] | None = None
    local: LocalFeatures | None = None


class Reranking(Protocol):
    """A stage after the search."""

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        """Is told the gallery, and what each of its photos shows; empty: no landmark that is asked for."""
        ...

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        """Another ranking of the gallery for the same query."""
        ...


PartT_co = TypeVar("PartT_co", covariant=True)


@dataclass(frozen=True)
class Kind(Generic[PartT_co]):
    """A part that an experiment can name.

    Attributes:
        title: As a table shows it.
        paper: Where the method is from: authors, venue, year, and the section if it is a part of a paper; empty for
            what everybody does.
        choices: What the paper leaves open, or was done in another way, in a sentence or two.
        make: Makes it; its keyword arguments are the parameters that an experiment may give, all with defaults and of
            types that YAML has. Raises InvalidArgumentError for values that make no sense.
    """

    title: str
    paper: str
    choices: str
    make: Callable[..., PartT_co]
