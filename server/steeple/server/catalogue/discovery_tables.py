"""The tables of discoveries: photos that are not reference images (yet), what they match, and what is proposed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from steeple.server.catalogue.tables import Id, UtcDateTime, metadata

discovery: Final = Table(
    "discovery",
    metadata,
    Column("id", Id, primary_key=True),  # that of the operation
    Column("source", Text, nullable=False),
    Column("model", String(255), nullable=False),
    Column("options", JSON, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("finish_time", UtcDateTime),  # NULL: it goes on
)

discovery_photo: Final = Table(
    "discovery_photo",
    metadata,
    Column("discovery_id", Id, ForeignKey("discovery.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("item", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(255), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("feature_count", Integer, nullable=False),
    Column("capture_latitude", Double),
    Column("capture_longitude", Double),
    Column("capture_time", String(25), nullable=False),
    Column("quality_grade", Integer, nullable=False),
    Column("quality_reasons", JSON, nullable=False),
    Column("searched", Boolean, server_default=false(), nullable=False),
    Column("landmark_id", Id, server_default=text("''"), nullable=False),  # that it was identified as
    Column("confidence", Double, server_default=text("0"), nullable=False),
    Column("proposal", Integer),  # NULL: in none
    Column("view", Integer, server_default=text("0"), nullable=False),
    Column("reason", String(16), server_default=text("''"), nullable=False),
    Column("image_id", Id, server_default=text("''"), nullable=False),  # of the reference image that it became
    UniqueConstraint("discovery_id", "sha256"),
    Index(None, "discovery_id", "proposal"),
    Index(None, "sha256"),
)

# Apart from discovery_photo so that lists of photos do not read past 46 bytes a feature.
discovery_features: Final = Table(
    "discovery_features",
    metadata,
    Column("discovery_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("descriptors", LargeBinary, nullable=False),
    Column("geometry", LargeBinary, nullable=False),
    Column("max_score", Double, nullable=False),
    ForeignKeyConstraint(["discovery_id", "number"], ["discovery_photo.discovery_id", "discovery_photo.number"]),
)

discovery_match: Final = Table(
    "discovery_match",
    metadata,
    Column("discovery_id", Id, ForeignKey("discovery.id"), primary_key=True),
    Column("query", Integer, primary_key=True),
    Column("photo", Integer, primary_key=True),
    Column("inliers", Integer, nullable=False),
    Column("distinct", Double, nullable=False),
    Column("near_duplicate", Boolean, nullable=False),
)

proposal: Final = Table(
    "proposal",
    metadata,
    Column("discovery_id", Id, ForeignKey("discovery.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(9), nullable=False),
    Column("representative", Integer, nullable=False),
    Column("cohesion", Double, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("extent_meters", Double, nullable=False),
    Column("landmark_id", Id, nullable=False),  # to add to, or added to; empty: a new one
    Column("update_time", UtcDateTime, nullable=False),
    CheckConstraint("state IN ('PROPOSED', 'ACCEPTED', 'DISCARDED')", name="state"),
)
