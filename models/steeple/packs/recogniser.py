"""Names the landmark in a photo with a pack, without a server."""

from __future__ import annotations

from steeple.delf import FeatureSet, ModelRelease
from steeple.errors import ModelMismatchError
from steeple.packs.pack import Pack
from steeple.packs.search import PackIndex
from steeple.recognition import Recogniser, Recognition


class PackRecogniser:
    """Names the landmark in a photo with a pack. Thread safe.

    Args:
        pack: The pack; not to be closed before.
        release: That extracts the queries.

    Raises:
        ModelMismatchError: If the pack is of another release, or of another network under its name.
    """

    def __init__(self, pack: Pack, release: ModelRelease) -> None:
        facts = pack.manifest.facts
        if (facts.model, facts.tflite_sha256) != (release.name, release.tflite_sha256):
            same = " (another network of that name)" if facts.model == release.name else ""
            raise ModelMismatchError(
                f"the pack {facts.display_name!r} is of model release {facts.model!r}{same}, and features are "
                f"extracted with {release.name!r}: download a pack of that, or extract with {facts.model!r}",
                model=f"models/{facts.model}",
                served=f"models/{release.name}",
            )
        self.pack = pack
        self._recogniser = Recogniser(release, PackIndex(pack, release.index.probes), pack.gallery)

    def identify(self, features: FeatureSet, *, max_candidates: int = 5) -> Recognition:
        """Answers one query as a server would. ``Candidate.image_key`` is a place in ``pack.images``.

        Raises:
            FeatureSetError: If there are no features.
            ModelMismatchError: If the features are of another model release.
        """
        facts = self.pack.manifest.facts
        if features.model != facts.model:
            raise ModelMismatchError(
                f"the query is of {features.model!r}, the pack {facts.display_name!r} of {facts.model!r}: extract with "
                "that release",
                model=f"models/{features.model}",
                served=f"models/{facts.model}",
            )
        return self._recogniser.identify(features, max_candidates=max_candidates)
