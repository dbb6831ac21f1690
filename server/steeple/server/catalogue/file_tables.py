"""The tables about files that lie elsewhere: those that callers send in pieces, and those of erased queries."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table, false, text

from steeple.server.catalogue.tables import Id, UtcDateTime, metadata

# What there is to know of an upload. Its bytes lie elsewhere, and count only as far as this says.
upload: Final = Table(
    "upload",
    metadata,
    Column("id", Id, primary_key=True),  # sorts by time
    Column("file_name", String(255), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("committed_bytes", BigInteger, server_default=text("0"), nullable=False),
    Column("complete", Boolean, server_default=false(), nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("expire_time", UtcDateTime, nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("writer", String(32), server_default=text("''"), nullable=False),  # the one that may write: the latest
    Index(None, "expire_time"),
    Index(None, "request_id"),
)

# Of uploads in shared storage, where a file never changes: the files that they are made of.
upload_part: Final = Table(
    "upload_part",
    metadata,
    Column("upload_id", Id, ForeignKey("upload.id", ondelete="CASCADE"), primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("name", String(160), nullable=False),
)

# When what was answered until then was erased, with a key or (*) with any: no server keeps it any more.
query_erasure: Final = Table(
    "query_erasure",
    metadata,
    Column("key_id", Id, primary_key=True),
    Column("time", UtcDateTime, nullable=False),
)
