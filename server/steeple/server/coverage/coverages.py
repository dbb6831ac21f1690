"""How well photos cover landmarks: asked for, found in steps, and remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from steeple.delf import FeatureSet
from steeple.server.catalogue import Catalogue, Landmark, ReferenceImage, reference_images
from steeple.server.catalogue.records import TakenImage
from steeple.server.coverage.gaps import gaps_of
from steeple.server.coverage.records import Coverage
from steeple.server.coverage.surroundings import surroundings_of
from steeple.server.coverage.survey import Survey
from steeple.server.coverage.views import views_of
from steeple.server.serving import Serving

MOST_COMPARED: Final = 60
"""Photos of a landmark that are compared with each other, those of the best grades."""

MOST_PLACED: Final = 10_000
"""Photos of a landmark, the latest, whose place and time are looked at."""

_REMEMBERED: Final = 64  # landmarks; of each, 1,200 pairs at most


@dataclass(frozen=True, eq=False)
class Looked:
    """A landmark that is looked at.

    Attributes:
        landmark: Which.
        images: Its photos that are compared, the best first.
        taken: Its photos with place and time.
        survey: Which of ``images`` see the same.
        features: Of ``images``, by key; empty once the survey is finished.
    """

    landmark: Landmark
    images: Sequence[ReferenceImage]
    taken: Sequence[TakenImage]
    survey: Survey
    features: Mapping[int, FeatureSet]


class Coverages:
    """Finds how well photos cover landmarks, by the default model release. Thread safe.

    Which photos see the same is remembered until other photos are to be compared. The features of a photo never change,
    and its key never comes back; so keys tell whether they are the same.

    Args:
        catalogue: Landmarks, photos and features.
        serving: The model releases.
    """

    def __init__(self, catalogue: Catalogue, serving: Serving) -> None:
        self._catalogue = catalogue
        self._serving = serving
        self._lock = threading.Lock()
        # With the release and the keys that it is of; those used last at the end.
        self._surveys: OrderedDict[str, tuple[tuple[str, tuple[int, ...]], Survey]] = OrderedDict()

    def look(self, landmark_id: str) -> Looked:
        """What is to be compared of a landmark, with what is remembered.

        Raises:
            NotFoundError: If there is no such landmark.
        """
        landmark = self._catalogue.get_landmark(landmark_id)
        release = self._serving.default.release
        with self._catalogue.database.read() as connection:
            images = reference_images.best_graded(connection, landmark_id, MOST_COMPARED)
            taken = reference_images.taken(connection, landmark_id, MOST_PLACED)
        state = release.name, tuple(image.key for image in images)
        with self._lock:
            known = self._surveys.get(landmark_id)
        features: Mapping[int, FeatureSet] = {}
        if known is None or known[0] != state or not known[1].finished:
            found = self._catalogue.features(state[1], release.name)
            features = {key: one for key, one in found.items() if len(one)}
        with self._lock:
            known = self._surveys.get(landmark_id)
            if known is None or known[0] != state:
                known = state, Survey(release, [key for key in state[1] if key in features])
            self._surveys[landmark_id] = known
            self._surveys.move_to_end(landmark_id)
            while len(self._surveys) > _REMEMBERED:
                self._surveys.popitem(last=False)
        survey = known[1]
        compared = set(survey.keys)
        return Looked(landmark, [image for image in images if image.key in compared], taken, survey, features)

    def told(self, looked: Looked) -> Coverage:
        """What was found so far."""
        survey = looked.survey
        compared, pairs = survey.compared, survey.pairs()
        partial = compared < len(survey.keys)
        views = views_of(looked.images, pairs)
        around = surroundings_of(looked.landmark.location, looked.taken)
        count = looked.landmark.reference_image_count
        return Coverage(
            landmark_id=looked.landmark.id,
            image_count=count,
            model=survey.model,
            images=views.images,
            matches=views.matches,
            groups=views.groups,
            single_ids=views.single_ids,
            partial=partial,
            compared=compared,
            surroundings=around,
            gaps=gaps_of(count, views, around, partial=partial),
        )
