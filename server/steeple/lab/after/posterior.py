"""A posterior over landmarks: search and classification as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.after.galleries import nearest, require, unprepared, vectors_of
from steeple.lab.after.spatial import as_scores
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking

_STAGE: Final = "kNN posterior"


class Posterior:
    """Ranks photos by how probable their landmark is, by the votes of the nearest neighbours.

    The first ``neighbours`` of the ranking vote for what they show, each with exp(s / temperature), s being its score.
    Strangers, photos of no landmark that is asked for, vote against all; so does a vote of
    exp(background / temperature) that is always cast: for what the gallery does not have. P(landmark) is its share of
    all votes. A photo scores what its landmark does; among equals the more similar one comes first. A stranger shows
    what no other photo does, so it scores its own share alone.

    Args:
        neighbours: How many vote.
        temperature: In units of scores, above 0; None: the standard deviation of what ``background`` is the mean of.
        background: In units of scores; None: the mean, over the gallery, of the similarity of a photo to the nearest of
            another landmark, or of none: what a photo has by chance. Both ask for a ranking by similarity of global
            descriptors; after other stages give both.
    """

    def __init__(self, neighbours: int = 20, temperature: float | None = None, background: float | None = None) -> None:
        require(neighbours > 0, _STAGE, "neighbours must be above 0")
        require(temperature is None or temperature > 0, _STAGE, "temperature must be above 0")
        self._neighbours, self._temperature, self._background = neighbours, temperature, background
        self._classes: NDArray[np.int64] | None = None
        self._fitted = (1.0, 0.0)

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        """Keeps what the gallery shows, and measures how similar its photos are by chance.

        Raises:
            InvalidArgumentError: If there is nothing to measure.
        """
        # A stranger is a class of its own.
        names = [landmark or f"/{number}" for number, landmark in enumerate(landmarks)]
        _, classes = np.unique(np.array(names, np.str_), return_inverse=True)
        self._classes = classes.astype(np.int64)
        temperature, background = self._temperature, self._background
        if temperature is None or background is None:
            chance = self._chance(gallery)
            temperature = float(chance.std()) if temperature is None else temperature
            background = float(chance.mean()) if background is None else background
            require(temperature > 0, _STAGE, "photos of the gallery are all equally similar: give a temperature")
        self._fitted = temperature, background

    def _chance(self, gallery: Sequence[Evidence]) -> NDArray[np.float64]:
        """float64[N]: of each photo that has another class beside its own in the gallery, the similarity to that."""
        classes = self._classes
        vectors = vectors_of(gallery, _STAGE)
        keys, products = nearest(vectors, len(vectors))
        if classes is None or len(np.unique(classes)) < 2:
            raise InvalidArgumentError(
                f"{_STAGE}: a gallery of one landmark does not show what photos have in common by chance: "
                "give temperature and background"
            )
        other = classes[keys] != classes[:, None]
        chance: NDArray[np.float64] = products[np.arange(len(products)), other.argmax(axis=1)]
        return chance

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        """The photos of the ranking, those of the most probable landmark first."""
        if self._classes is None:
            raise unprepared(_STAGE)
        if not len(ranking):
            return ranking
        temperature, background = self._fitted
        classes = self._classes[ranking.keys]
        # Shares of votes stay the same when all are divided by the largest, which then cannot overflow.
        top = max(float(ranking.scores[0]), background)
        votes = np.exp((ranking.scores[: self._neighbours].astype(np.float64) - top) / temperature)
        ballot = np.bincount(classes[: self._neighbours], votes, len(self._classes))
        posterior = ballot / (ballot.sum() + np.exp((background - top) / temperature))
        scores = posterior[classes]
        order = np.argsort(-scores, kind="stable")
        return Ranking(ranking.keys[order], as_scores(scores[order]))
