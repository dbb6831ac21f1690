"""How well photos cover a landmark: found beside queries, a step at a time, until the caller's patience ends."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from steeple.server.api.caller import current_caller
from steeple.server.api.kinds import COVERAGE
from steeple.server.api.names import image_name, landmark_name, model_name
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import place_message
from steeple.server.coverage import Coverage, GapKind, Survey
from steeple.v1 import coverage_pb2

LONGEST_SECONDS: Final = 30.0
"""That photos are compared for, at most."""

_ANSWER_SECONDS: Final = 0.5  # before the caller's deadline: what the answer takes
_KINDS: Final = {kind: coverage_pb2.CoverageGap.Kind.Value(f"KIND_{kind.name}") for kind in GapKind}


async def look_at(landmark_id: str, readiness: Readiness, calls: Pool, queries: Pool) -> coverage_pb2.Coverage:
    """How well photos cover a landmark, as far as there is time to find out.

    Args:
        landmark_id: The landmark.
        readiness: Where the engine is.
        calls: Threads for what only reads the catalogue.
        queries: Threads that search and verify. Each step waits for its turn anew, so that queries are not held up.

    Raises:
        NotFoundError: If there is no such landmark.
    """
    coverages = readiness.engine.coverages
    until = min(current_caller().deadline - _ANSWER_SECONDS, time.monotonic() + LONGEST_SECONDS)
    looked = await calls.run(coverages.look, landmark_id)
    with looked.survey.looking(looked.features):
        while not (looked.survey.finished or readiness.stopping.is_set()) and await _step(
            looked.survey, queries, until
        ):
            pass
    return await calls.run(lambda: coverage_message(coverages.told(looked)))


async def _step(survey: Survey, queries: Pool, until: float) -> bool:
    """One step of a survey; False if time is out before its turn comes."""
    left = until - time.monotonic()
    if left <= 0:
        return False
    try:
        async with asyncio.timeout(left):
            turn = await queries.turn(COVERAGE, patient=True)
    except TimeoutError:
        return False
    await queries.run_in(turn, survey.step)
    return True


def coverage_message(found: Coverage) -> coverage_pb2.Coverage:
    """How well photos cover a landmark, as the API shows it."""
    around = found.surroundings

    def names(image_ids: tuple[str, ...]) -> list[str]:
        return [image_name(found.landmark_id, image_id) for image_id in image_ids]

    message = coverage_pb2.Coverage(
        landmark=landmark_name(found.landmark_id),
        image_count=found.image_count,
        matches=[
            coverage_pb2.ViewMatch(
                first=match.first,
                second=match.second,
                inliers=match.inliers,
                weight=match.weight,
                near_duplicate=match.near_duplicate,
            )
            for match in found.matches
        ],
        groups=[
            coverage_pb2.ViewGroup(reference_images=names(group.image_ids), view_count=group.views)
            for group in found.groups
        ],
        single_images=names(tuple(found.single_ids)),
        partial=found.partial,
        compared_count=found.compared,
        model=model_name(found.model),
        sectors=[
            coverage_pb2.CompassSector(
                bearing=sector.bearing, image_count=sector.count, median_distance_meters=sector.median_meters
            )
            for sector in around.sectors
        ],
        placed_count=around.placed,
        near_count=around.near,
        hours=around.hours,
        months=around.months,
        timed_count=around.timed,
        gaps=[
            coverage_pb2.CoverageGap(kind=_KINDS[gap.kind], text=gap.text, reference_images=names(gap.image_ids))
            for gap in found.gaps
        ],
    )
    for one in found.images:
        image = message.images.add(
            reference_image=image_name(found.landmark_id, one.image.id), view=one.view, group=one.group
        )
        place_message(one.image.capture.location, image.capture_location)
    return message
