"""Names the landmark in a photo with a pack, without a server."""

from __future__ import annotations

from steeple.delf import FeatureSet, ModelRelease
from steeple.packs.pack import Pack
from steeple.recognition import Recognition


class PackRecogniser:
    """Names the landmark in a photo with a pack. Thread safe.

    Args:
        pack: The pack; not to be closed before.
        release: That extracts the queries.

    Raises:
        ModelMismatchError: If the pack is of another release, or of another network under its name.
    """

    def __init__(self, pack: Pack, release: ModelRelease) -> None:
        raise NotImplementedError

    def identify(self, features: FeatureSet, *, max_candidates: int = 5) -> Recognition:
        """Answers one query as a server would. ``Candidate.image_key`` is a place in ``pack.images``.

        Raises:
            FeatureSetError: If there are no features.
            ModelMismatchError: If the features are of another model release.
        """
        raise NotImplementedError
