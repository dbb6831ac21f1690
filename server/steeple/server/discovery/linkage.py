"""Clusters of a graph by how much of what could link them does, so that no single node joins two of them."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from typing import Final

SEEN_BY_EACH: Final = 20
"""Links that a node can have found at most: large clusters are not held to have all that there could be."""


def clusters(
    nodes: Sequence[int], links: Mapping[tuple[int, int], float], *, least_average: float, least_held: float
) -> list[list[int]]:
    """Clusters by average linkage, from single nodes up.

    Two clusters become one where the average weight of the links between them is highest, as long as it reaches
    ``least_average``. Two clusters of two nodes or more have to hold together also without the one node that links them
    most: one photo that shows two buildings makes them no one building. A link that is not there counts with weight 0
    in an average; of a node to a cluster of more than :data:`SEEN_BY_EACH`, no more links than that are expected.

    The clusters do not depend on the order of nodes and links. Of equal averages, that of the least nodes goes first.

    Args:
        nodes: All of them, in any order.
        links: Weight, 0 to 1, by two nodes, the lesser first.
        least_average: Above 0 and at most 1.
        least_held: Weight, above 0 and at most 1, of a link that is left between two clusters without that node.

    Returns:
        All nodes, by cluster: sorted within, and clusters by their first node.
    """
    return _Linkage(nodes, links, least_average, least_held).clusters()


class _Linkage:
    """Clusters go by their least node."""

    def __init__(
        self, nodes: Sequence[int], links: Mapping[tuple[int, int], float], least_average: float, least_held: float
    ) -> None:
        self._least, self._held = least_average, least_held
        self._members: dict[int, list[int]] = {node: [node] for node in nodes}
        # Between two clusters: the links of one to the other, kept on both sides.
        self._between: dict[int, dict[int, list[tuple[int, int, float]]]] = {node: {} for node in nodes}
        for (one, other), weight in links.items():
            self._between[one].setdefault(other, []).append((one, other, weight))
            self._between[other].setdefault(one, []).append((other, one, weight))
        self._queue: list[tuple[float, int, int, int, int]] = []
        for one, others in self._between.items():
            for other in others:
                if one < other:
                    self._offer(one, other)

    def clusters(self) -> list[list[int]]:
        while self._queue:
            _, one, other, *sizes = heapq.heappop(self._queue)
            # A cluster that has grown or is gone was offered anew.
            current = [len(self._members.get(each, ())) for each in (one, other)]
            if current == sizes:
                self._merge(one, other)
        return [sorted(self._members[first]) for first in sorted(self._members)]

    def _offer(self, one: int, other: int) -> None:
        if other < one:
            one, other = other, one
        links, sizes = self._between[one][other], (len(self._members[one]), len(self._members[other]))
        possible = min(sizes) * min(max(sizes), SEEN_BY_EACH)
        # Exact sums: they do not depend on the order of merges that made the list.
        average = math.fsum(weight for _, _, weight in links) / possible
        if average >= self._least and (min(sizes) == 1 or _without_strongest(links) >= self._held):
            heapq.heappush(self._queue, (-average, one, other, *sizes))

    def _merge(self, one: int, other: int) -> None:
        self._members[one] += self._members.pop(other)
        of_other = self._between.pop(other)
        del self._between[one][other]
        for third, links in of_other.items():
            if third == one:
                continue
            back = self._between[third].pop(other)
            self._between[one].setdefault(third, []).extend(links)
            self._between[third].setdefault(one, []).extend(back)
        for third in self._between[one]:
            self._offer(one, third)


def _without_strongest(links: Sequence[tuple[int, int, float]]) -> float:
    """The strongest link that is left if the node goes that is an end of most of their weight; 0: none is."""
    ends: dict[tuple[int, int], list[float]] = {}
    for one, other, weight in links:
        ends.setdefault((0, one), []).append(weight)
        ends.setdefault((1, other), []).append(weight)
    side, node = min(ends, key=lambda end: (-math.fsum(ends[end]), end))
    return max((weight for *pair, weight in links if pair[side] != node), default=0.0)
