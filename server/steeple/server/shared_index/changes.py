"""Takes changes of the catalogue into an index."""

from __future__ import annotations

from collections.abc import Sequence

from steeple.server.catalogue import Catalogue, Change, ChangeKind
from steeple.server.shared_index.engine import Generation
from steeple.server.shared_index.reading import indexed_images


def apply(changes: Sequence[Change], catalogue: Catalogue, model: str, index: Generation) -> None:
    """Takes changes into an index, which may have some of them already.

    What counts of each image is the last change: images that came and went in between make no work.

    Args:
        changes: In their order.
        catalogue: What they are of.
        model: Name of the release.
        index: Takes them.
    """
    last = {change.image_key: change.kind for change in changes}
    images = indexed_images(catalogue, [key for key, kind in last.items() if kind is not ChangeKind.REMOVE], model)
    # What is missing was removed since, which a later change says, or is of other releases.
    gone = [key for key, kind in last.items() if kind is ChangeKind.REMOVE]
    if gone:
        index.remove(gone)
    if images:
        index.put(images)
