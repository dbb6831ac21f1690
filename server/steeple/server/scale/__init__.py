"""How the index behaves in catalogues of any size, measured on descriptors drawn from a release's codebook."""

from steeple.server.scale.operating_points import OperatingPoint, Raw, measure_points
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS, SyntheticCatalogue
from steeple.server.scale.synthetic_lists import SyntheticLists

__all__ = ["IMAGE_DESCRIPTORS", "OperatingPoint", "Raw", "SyntheticCatalogue", "SyntheticLists", "measure_points"]
