"""How far features carry when a picture is turned, shrunk, blurred, darkened or hidden, beside RootSIFT's."""

from steeple.server.robustness.curves import MIN_PHOTOS, Curves, Point, measure
from steeple.server.robustness.matches import CORRECT, MAX_CORNER_ERROR, MIN_INLIERS, NEAR
from steeple.server.robustness.methods import ROOTSIFT_RADII, LocalFeatures, Method, Release, RootSift
from steeple.server.robustness.transformations import TRANSFORMATIONS, Transformation, View

__all__ = [
    "CORRECT",
    "MAX_CORNER_ERROR",
    "MIN_INLIERS",
    "MIN_PHOTOS",
    "NEAR",
    "ROOTSIFT_RADII",
    "TRANSFORMATIONS",
    "Curves",
    "LocalFeatures",
    "Method",
    "Point",
    "Release",
    "RootSift",
    "Transformation",
    "View",
    "measure",
]
