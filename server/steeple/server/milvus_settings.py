"""Which settings of an index in Milvus go together with others."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from steeple.server.settings import Settings


def uri_objection(uri: str) -> str:
    """Why a URI is none of Milvus; empty if it may be one. It does not repeat the URI, which may have a password."""
    if not uri:
        return ""
    try:
        parts = urlsplit(uri)
        port_and_host = parts.hostname and (parts.port or True)
    except ValueError:
        return "must read http://HOST:PORT or https://HOST:PORT"
    if parts.scheme not in ("http", "https") or not port_and_host:
        return "must read http://HOST:PORT or https://HOST:PORT"
    if parts.username or parts.password:
        return "must not have a password in it: set milvus_token"
    return ""


def objection(settings: Settings) -> str:
    """Why settings do not go together; empty if they do."""
    if not settings.milvus_uri:
        if settings.milvus_token.get_secret_value() or settings.milvus_kind != "IVF_PQ":
            return "milvus_token and milvus_kind are of an index in Milvus: set milvus_uri as well, or leave them out"
        return ""
    meant = "and milvus_uri has Milvus keep the index: leave one of the two out"
    if settings.index:
        return f"index is a factory string of FAISS, {meant}"
    if settings.device == "gpu":
        return f"device = gpu is of FAISS in this server, {meant}; for GPUs of Milvus, set milvus_kind = GPU_IVF_PQ"
    if settings.batching == "on":
        return f"batching = on is of FAISS in this server, {meant}"
    return ""
