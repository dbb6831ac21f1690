"""Protocol messages of a landmark's coverage to the SDK's types."""

from __future__ import annotations

from typing import Final

from steeple.client._convert import to_place
from steeple.client.coverage import (
    CompassSector,
    Coverage,
    CoverageGap,
    CoverageImage,
    GapKind,
    ViewGroup,
    ViewMatch,
)
from steeple.v1 import coverage_pb2

_KINDS: Final = {
    number: GapKind[name.removeprefix("KIND_")] for name, number in coverage_pb2.CoverageGap.Kind.items() if number
}


def to_coverage(message: coverage_pb2.Coverage) -> Coverage:
    """How well its photos cover a landmark."""
    names = [image.reference_image for image in message.images]
    return Coverage(
        landmark=message.landmark,
        image_count=message.image_count,
        images=tuple(
            CoverageImage(
                reference_image=image.reference_image,
                view=image.view,
                group=image.group,
                capture_location=to_place(image.capture_location) if image.HasField("capture_location") else None,
            )
            for image in message.images
        ),
        matches=tuple(
            ViewMatch(names[match.first], names[match.second], match.inliers, match.weight, match.near_duplicate)
            for match in message.matches
        ),
        groups=tuple(ViewGroup(tuple(group.reference_images), group.view_count) for group in message.groups),
        single_images=tuple(message.single_images),
        partial=message.partial,
        compared=message.compared_count,
        model=message.model,
        sectors=tuple(
            CompassSector(sector.bearing, sector.image_count, sector.median_distance_meters)
            for sector in message.sectors
        ),
        placed=message.placed_count,
        near=message.near_count,
        hours=tuple(message.hours),
        months=tuple(message.months),
        timed=message.timed_count,
        gaps=tuple(
            CoverageGap(_KINDS.get(gap.kind, GapKind.OTHER), gap.text, tuple(gap.reference_images))
            for gap in message.gaps
        ),
    )
