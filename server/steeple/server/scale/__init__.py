"""How the index behaves in catalogues of any size, measured on descriptors drawn from a release's codebook."""

from steeple.server.scale.building import Built, Progress, Size, fill, fill_with_codes, open_beside_faiss
from steeple.server.scale.factories import FactoryFigures, FactoryPoint, check_factory, measure_factory
from steeple.server.scale.operating_points import OperatingPoint, Raw, measure_points
from steeple.server.scale.photos import SyntheticPhotos
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS, SyntheticCatalogue, key_of
from steeple.server.scale.synthetic_lists import SyntheticLists
from steeple.server.scale.whole_queries import Asked, QueryFigures, measure_queries, within_process

__all__ = [
    "IMAGE_DESCRIPTORS",
    "Asked",
    "Built",
    "FactoryFigures",
    "FactoryPoint",
    "OperatingPoint",
    "Progress",
    "QueryFigures",
    "Raw",
    "Size",
    "SyntheticCatalogue",
    "SyntheticLists",
    "SyntheticPhotos",
    "check_factory",
    "fill",
    "fill_with_codes",
    "key_of",
    "measure_factory",
    "measure_points",
    "measure_queries",
    "open_beside_faiss",
    "within_process",
]
