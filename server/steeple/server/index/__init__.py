"""The descriptor index: nearest neighbours of descriptors among those of all reference images.

An index is derived data. It can be thrown away and rebuilt from the catalogue.
"""

from steeple.server.index.exact import ExactIndex
from steeple.server.index.faiss_index import FaissIndex
from steeple.server.index.faiss_version import faiss_version
from steeple.server.index.protocol import DescriptorIndex, IndexStats

__all__ = ["DescriptorIndex", "ExactIndex", "FaissIndex", "IndexStats", "faiss_version"]
