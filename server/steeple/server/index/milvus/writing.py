"""What was written lately, which need not be asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_MOST: Final = 1 << 16  # images: 10 MB


@dataclass(frozen=True)
class Held:
    """What a collection has of an image.

    Attributes:
        count: Number of its descriptors.
        region: Cell, and so partition, of its rows.
    """

    count: int
    region: int


class RecentWrites:
    """Images that were written or removed by this process, so that the next write need not wait to see the last.

    Milvus lets a read see a write up to 0.2 s later, or waits so long. Not thread safe.
    """

    def __init__(self) -> None:
        self._images: OrderedDict[int, Held | None] = OrderedDict()
        self._since = 0

    @property
    def since(self) -> int:
        """Timestamp of the last write that is not known here: what others are asked for must be as new."""
        return self._since

    def known(self, keys: Iterable[int]) -> dict[int, Held | None]:
        """Those of some images that are known here; None: removed."""
        return {key: self._images[key] for key in keys if key in self._images}

    def remember(self, images: Mapping[int, Held | None], timestamp: int) -> None:
        """After a write that ended well."""
        for key, held in images.items():
            self._images[key] = held
            self._images.move_to_end(key)
        while len(self._images) > _MOST:
            self._images.popitem(last=False)
            self._since = max(self._since, timestamp)

    def forget(self, keys: Iterable[int], timestamp: int) -> None:
        """Before a write, which may end in any way; the one before had that timestamp."""
        for key in keys:
            if key in self._images:
                del self._images[key]
                self._since = max(self._since, timestamp)

    def forget_all(self, timestamp: int) -> None:
        """Somebody else has written up to then."""
        self._images.clear()
        self._since = max(self._since, timestamp)
