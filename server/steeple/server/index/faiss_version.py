"""Which FAISS this is."""

from __future__ import annotations

from typing import Final

import faiss

_PARTS: Final = ("MAJOR", "MINOR", "PATCH")  # as FAISS names them


def faiss_version() -> str:
    """Version of the library."""
    return ".".join(str(getattr(faiss, f"FAISS_VERSION_{part}")) for part in _PARTS)
