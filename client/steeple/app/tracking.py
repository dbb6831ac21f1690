"""Follows points of a landmark from frame to frame, and with them its outline."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.app.frames import Frame
from steeple.delf.homographies import Homography, clipped, inverse, mapped, scaling

TRAIL: Final = 24
"""Frames that are kept to carry an answer from its frame to the newest: 0.8 s at 30 frames a second."""

_POINTS: Final = 120
_CORNERS: Final = 500  # of which they are chosen
_PART: Final = 48  # pixels: side of the parts of the picture that they are spread over
_FEWEST: Final = 10  # points that agree, below which nothing is known any more
_AROUND: Final = 14.0  # pixels: corners are taken this near to inlier matches, which are on the landmark
_APART: Final = 6.0  # pixels between two points
_BACK: Final = 1.0  # pixels: a point that is followed there and back must return this near
_RADIUS: Final = 2.5  # pixels: reprojection error of a point that moves as the landmark does
_AGREE: Final = 0.5  # share of the points that must
_MANY: Final = 20  # points that a homography takes
_SPREAD: Final = 0.4  # of the outline's area, which they must surround
_REPLENISH: Final = 60  # points below which new ones are looked for
_PROBATION: Final = 3  # frames over which new points must agree before they are believed
_MOST_CHANGE: Final = 1.6  # of the outline's size, either way, from one frame to the next
_HOPS: Final = 8  # frames that an answer is carried over, at most; others between are left out
_WINDOW: Final = (17, 17)  # pixels
_LEVELS: Final = 3  # of the pyramid above the picture: motions of up to about 60 pixels are followed
_STOP: Final = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.03)
_LEAST_TEXTURE: Final = 1e-3


class Trail:
    """The last frames, grey. All are of one size: another one begins it anew."""

    def __init__(self) -> None:
        self._frames: deque[tuple[int, NDArray[np.uint8]]] = deque(maxlen=TRAIL)

    def add(self, frame: Frame) -> None:
        """The newest frame."""
        if self._frames and self._frames[-1][1].shape != frame.grey.shape:
            self._frames.clear()
        self._frames.append((frame.number, frame.grey))

    def since(self, number: int) -> list[NDArray[np.uint8]]:
        """Grey pictures from that frame to the newest, of those between only some; none if it is kept no more."""
        found = [grey for kept, grey in self._frames if kept >= number]
        if not found or self._frames[0][0] > number or self._frames[-len(found)][0] != number:
            return []
        hops = min(_HOPS, len(found) - 1)
        return [found[round(hop * (len(found) - 1) / hops)] for hop in range(hops + 1)] if hops else found

    def clear(self) -> None:
        """Forgets all frames."""
        self._frames.clear()


class Tracker:
    """Follows a plane, such as a facade, from the frame in which it was recognised.

    Corners around the inlier matches are followed by optical flow (Lucas and Kanade, with pyramids: Bouguet, 2001),
    each there and back; what does not come back where it was, or moves otherwise than the most (RANSAC), is dropped.
    The motion is that since the first frame, so errors of one frame do not add to those of the next; only while most of
    the plane is hidden, it is that since the frame before, by a model that says less and errs less far from the points.
    Where points leave the picture or are hidden, new ones on the plane take their places.

    Pixels are those of the grey pictures.

    Args:
        grey: uint8[h, w]; the frame in which the plane was recognised.
        inliers: float32[N, 2]; the inlier matches in it.
        outline: float32[P, 2]; of the plane in it.
    """

    def __init__(self, grey: NDArray[np.uint8], inliers: NDArray[np.float32], outline: NDArray[np.float32]) -> None:
        self._grey = grey
        self._inliers = inliers
        self._outline = outline
        self._motion: Homography = np.eye(3)
        self._points = _corners(grey, inliers, np.empty((0, 2), np.float32))
        self._anchors = self._points.copy()
        self._proven = np.ones(len(self._points), np.bool_)
        self._ages = np.zeros(len(self._points), np.int64)
        self._lost = len(self._points) < _FEWEST or len(outline) < 3

    @property
    def motion(self) -> Homography | None:
        """float64[3, 3]: maps pixels of the first frame to those of the newest; None once the plane was lost."""
        return None if self._lost else self._motion

    def follow(self, grey: NDArray[np.uint8]) -> Homography | None:
        """Goes on to the next frame, uint8[h, w]; returns :attr:`motion`. What was lost stays lost."""
        if self._lost:
            return None
        if grey.shape != self._grey.shape:
            self._lost = True
            return None
        points, kept = _flow(self._grey, grey, self._points)
        told = kept & self._proven
        if self._spread(points[told]):
            motion, agree = _motion(self._anchors[told], points[told])
            places = self._anchors
        else:
            step, agree = _step(self._points[told], points[told])
            motion = None if step is None else step @ self._motion
            places = mapped(inverse(self._motion), self._points).astype(np.float32)
        if motion is None or agree < max(_FEWEST, _AGREE * self._proven.sum()) or not self._possible(motion):
            self._lost = True
            return None
        kept &= np.linalg.norm(mapped(motion, places) - points, axis=1) < _RADIUS
        self._points, self._anchors, self._ages = points[kept], self._anchors[kept], self._ages[kept] + 1
        self._proven = self._proven[kept] | (self._ages >= _PROBATION)
        self._motion, self._grey = motion, grey
        if len(self._points) < _REPLENISH:
            self._replenish()
        return self._motion

    def _spread(self, points: NDArray[np.float32]) -> bool:
        """Whether points, float32[N, 2], tell all of a homography: where there are none, it says anything."""
        if len(points) < _MANY:
            return False
        height, width = self._grey.shape
        seen = clipped(mapped(self._motion, self._outline), (width, height))
        covered = cv2.contourArea(cv2.convexHull(points))
        return len(seen) > 0 and covered >= _SPREAD * cv2.contourArea(seen.astype(np.float32))

    def _possible(self, motion: Homography) -> bool:
        """Whether the outline still is one after this motion."""
        before, after = mapped(self._motion, self._outline), mapped(motion, self._outline)
        depths = np.column_stack([self._outline, np.ones(len(self._outline))]) @ motion[2]
        if not np.isfinite(after).all() or depths.min() <= 0 or np.linalg.det(motion[:2, :2]) <= 0:
            return False
        change = cv2.contourArea(after.astype(np.float32)) / max(1e-6, cv2.contourArea(before.astype(np.float32)))
        return 1 / _MOST_CHANGE < change < _MOST_CHANGE

    def _replenish(self) -> None:
        """New corners on the plane, each with the place in the first frame that it would have had."""
        around = mapped(self._motion, self._inliers).astype(np.float32)
        new = _corners(self._grey, around[np.isfinite(around).all(axis=1)], self._points)
        if len(new):
            self._points = np.concatenate([self._points, new])
            self._anchors = np.concatenate([self._anchors, mapped(inverse(self._motion), new).astype(np.float32)])
            # What hides the plane has corners, too, and moves otherwise: they have to agree for a while first.
            self._proven = np.concatenate([self._proven, np.zeros(len(new), np.bool_)])
            self._ages = np.concatenate([self._ages, np.zeros(len(new), np.int64)])


def carried(greys: list[NDArray[np.uint8]], inliers: NDArray[np.float32], outline: NDArray[np.float32]) -> Tracker:
    """A tracker that has followed the plane through all pictures after the first.

    Args:
        greys: At least one; see :class:`Tracker` for the first.
        inliers: See :class:`Tracker`.
        outline: See :class:`Tracker`.
    """
    tracker = Tracker(greys[0], inliers, outline)
    for grey in greys[1:]:
        tracker.follow(grey)
    return tracker


def to_grey(frame: Frame) -> Homography:
    """float64[3, 3]: maps pixels of a frame to those of its grey picture."""
    height, width = frame.grey.shape
    return scaling(width / frame.size[0], height / frame.size[1])


def _corners(grey: NDArray[np.uint8], around: NDArray[np.float32], taken: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32[N, 2]: corners near to some points and not near to others."""
    mask = np.zeros(grey.shape, np.uint8)
    for x, y in _pixels(around, grey.shape):
        cv2.circle(mask, (x, y), round(_AROUND), 255, -1)
    for x, y in _pixels(taken, grey.shape):
        cv2.circle(mask, (x, y), round(_APART), 0, -1)
    wanted = _POINTS - len(taken)
    if wanted <= 0:
        return np.empty((0, 2), np.float32)
    found = cv2.goodFeaturesToTrack(grey, _CORNERS, 0.01, _APART, mask=mask)
    if np.size(found) == 0 or np.shape(found)[1:] != (1, 2):  # there are none
        return np.empty((0, 2), np.float32)
    corners = np.asarray(found, np.float32)[:, 0]
    # The best of each part of the picture: the best of all could lie together, such as on what hides the plane.
    parts = (corners // _PART).astype(np.int64) @ np.array([1, 1 << 16])
    order = np.argsort(parts, kind="stable")
    firsts = np.concatenate([[0], np.flatnonzero(np.diff(parts[order])) + 1])
    ranks = np.empty(len(corners), np.int64)
    ranks[order] = np.arange(len(corners)) - np.repeat(firsts, np.diff([*firsts, len(corners)]))
    return corners[np.argsort(ranks, kind="stable")[:wanted]]


def _pixels(points: NDArray[np.float32], shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """The points that lie in a picture of that shape."""
    for x, y in np.rint(points).astype(np.int64):
        if 0 <= x < shape[1] and 0 <= y < shape[0]:
            yield int(x), int(y)


def _flow(
    before: NDArray[np.uint8], after: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """float32[N, 2]: where the points went; bool[N]: of which of them that is known."""
    there, found = _followed(before, after, points)
    back, returned = _followed(after, before, there)
    near = np.linalg.norm(back - points, axis=1) < _BACK
    height, width = after.shape
    inside = ((there >= 0) & (there <= (width - 1, height - 1))).all(axis=1)
    kept: NDArray[np.bool_] = found & returned & near & inside
    return there, kept


def _followed(
    before: NDArray[np.uint8], after: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        points,
        np.empty_like(points),  # written to; not read without a flag that says so
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
        minEigThreshold=_LEAST_TEXTURE,
    )
    return np.asarray(there, np.float32), np.asarray(found, np.uint8)[:, 0] == 1


def _motion(anchors: NDArray[np.float32], points: NDArray[np.float32]) -> tuple[Homography | None, int]:
    """The homography from anchors to points, float32[N, 2] each, and how many agree with it."""
    if len(points) < _FEWEST:
        return None, 0
    found, agree = cv2.findHomography(anchors, points, cv2.USAC_MAGSAC, _RADIUS, maxIters=500, confidence=0.995)
    if np.shape(found) != (3, 3):  # there is none
        return None, 0
    return np.asarray(found, np.float64), int(np.count_nonzero(agree))


def _step(before: NDArray[np.float32], points: NDArray[np.float32]) -> tuple[Homography | None, int]:
    """The similarity from points of the frame before to those of this one, and how many agree with it."""
    if len(points) < _FEWEST:
        return None, 0
    found, agree = cv2.estimateAffinePartial2D(before, points, method=cv2.RANSAC, ransacReprojThreshold=_RADIUS)
    if np.shape(found) != (2, 3):
        return None, 0
    return np.vstack([np.asarray(found, np.float64), [0.0, 0.0, 1.0]]), int(np.count_nonzero(agree))
