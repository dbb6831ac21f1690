"""Landmarks on a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steeple.client.resources import LatLng


@dataclass(frozen=True)
class LandmarkCluster:
    """The landmarks of one cell of a map.

    Attributes:
        landmark_count: At least 1.
        center: The mean of their places; of one landmark, where it stands.
        southwest: Corner of the cell.
        northeast: Corner of the cell.
        landmark: Name of the first of them by id, ``landmarks/{id}``.
        display_name: Of that one.
    """

    landmark_count: int
    center: LatLng
    southwest: LatLng
    northeast: LatLng
    landmark: str
    display_name: str

    def to_dict(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        return {
            "landmark_count": self.landmark_count,
            "center": self.center.to_dict(),
            "southwest": self.southwest.to_dict(),
            "northeast": self.northeast.to_dict(),
            "landmark": self.landmark,
            "display_name": self.display_name,
        }


@dataclass(frozen=True)
class LandmarkMap:
    """How many landmarks stand where.

    Attributes:
        clusters: From the south, and from the west.
        zoom: Of the cells, of 90 / 2^zoom degrees: what was asked for, or less.
        landmark_count: Of all clusters.
    """

    clusters: tuple[LandmarkCluster, ...]
    zoom: int
    landmark_count: int

    def to_dict(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        return {
            "zoom": self.zoom,
            "landmark_count": self.landmark_count,
            "clusters": [cluster.to_dict() for cluster in self.clusters],
        }
