"""One vector of a whole photo: networks, what pools their maps, and whitening."""

from steeple.lab.pooling.backbones import BACKBONES
from steeple.lab.pooling.poolings import POOLINGS
from steeple.lab.pooling.whitening import Whitening

__all__ = ["BACKBONES", "POOLINGS", "Whitening"]
