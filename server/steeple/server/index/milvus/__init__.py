"""The distributed descriptor index: Milvus, for catalogues that one machine is too small for.

It speaks Milvus's gRPC contract (milvus-proto), whose messages the package ``pymilvus`` brings, and not through that
package's client: the client does not tell the timestamp of a write, which is what makes an acknowledged add be found,
it repeats inserts on its own, and it makes Python objects of every number.
"""

from steeple.server.index.milvus.connection import MilvusConnection
from steeple.server.index.milvus.milvus_index import MilvusIndex
from steeple.server.index.milvus.rows import ImageFacts

__all__ = ["ImageFacts", "MilvusConnection", "MilvusIndex"]
