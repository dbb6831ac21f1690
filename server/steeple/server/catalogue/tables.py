"""The tables of the catalogue.

A change here needs a migration beside it; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
    true,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time, also where the database (SQLite) keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, naive where the database would drop the zone anyway."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is ambiguous")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite numbers rows of its own accord only in a column of type INTEGER, which has 64 bits there.
Key: Final = BigInteger().with_variant(Integer(), "sqlite")


def bytewise(length: int) -> String:
    """A text by which lists are sorted: PostgreSQL must compare bytes, as SQLite does, not by rules of a language."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


Id: Final = bytewise(63)

COPIED: Final = "copied"
"""Key of a table's ``info``: whether copies of a catalogue have its rows; it is so unless it says False."""

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SHORT_TEXTS: Final = "ix_landmark_search_names"
"""Name of an index that SQLite alone has."""

_LISTED: Final = ("id", "delete_time", "active", "reference_image_count", "best_grade", "create_time", "update_time")
_PLACE: Final = ["latitude", "longitude"]

landmark: Final = Table(
    "landmark",
    metadata,
    Column("key", Key, primary_key=True),
    Column("id", Id, nullable=False),
    Column("display_name", bytewise(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("metadata", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    Column("aliases", JSON, server_default=text("'{}'"), nullable=False),
    Column("labels", JSON, server_default=text("'[]'"), nullable=False),
    Column("active", Boolean, server_default=true(), nullable=False),
    Column("search_names", Text, server_default=text("''"), nullable=False),  # all names, folded, a line each
    Column("delete_time", UtcDateTime),
    Column("expire_time", UtcDateTime),
    Column("reference_image_count", Integer, server_default=text("0"), nullable=False),  # those that are not deleted
    Column("best_grade", Integer),  # of these; NULL: none was graded
    UniqueConstraint("id"),
    Index(None, "expire_time"),
    # Each begins with what lists are in the order of, and goes on with all numbers, times and flags that they are
    # filtered by, so that neither pages nor counts need to read the rows, which are large.
    *(
        Index(f"ix_landmark_by_{'_'.join(first)}", *first, *(other for other in _LISTED if other not in first))
        for first in (["display_name"], ["reference_image_count"], ["create_time"], ["update_time"], _PLACE)
    ),
    # For texts too short for trigrams. Other databases take no entries of an index that are so long.
    Index(SHORT_TEXTS, "search_names", "delete_time").ddl_if(dialect="sqlite"),
    CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="location"),
    sqlite_autoincrement=True,  # a key, and so an etag, of a deleted landmark never comes back
)

reference_image: Final = Table(
    "reference_image",
    metadata,
    Column("key", Key, primary_key=True),
    # No cascade: an image must not go without leaving a change behind.
    Column("landmark_key", Key, ForeignKey("landmark.key"), nullable=False),
    Column("id", Id, nullable=False),
    Column("model", String(255), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("feature_count", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(255), nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("capture_latitude", Double),
    Column("capture_longitude", Double),
    Column("capture_time", String(25), server_default=text("''"), nullable=False),
    Column("quality_grade", Integer),  # NULL: added before there were grades
    Column("quality_reasons", JSON, server_default=text("'[]'"), nullable=False),
    Column("identify_count", BigInteger, server_default=text("0"), nullable=False),
    Column("delete_time", UtcDateTime),
    Column("expire_time", UtcDateTime),
    Column("revision", Integer, server_default=text("1"), nullable=False),
    UniqueConstraint("landmark_key", "id"),
    Index(None, "expire_time"),
    # As above, of the images of a landmark.
    Index(
        "ix_reference_image_listed",
        *("landmark_key", "delete_time", "id", "create_time", "feature_count", "identify_count", "quality_grade"),
    ),
    Index(None, "model", "key", "feature_count"),  # key order within a model; also covers the sum of feature_count
    Index(None, "sha256", "size_bytes"),  # the second for the sum over all photos
    sqlite_autoincrement=True,  # the index knows images by key: a key must not come back for another image
)

# Apart from reference_image so that lists of images do not read past 46 bytes a feature.
image_features: Final = Table(
    "image_features",
    metadata,
    Column("image_key", Key, ForeignKey("reference_image.key", ondelete="CASCADE"), primary_key=True),
    Column("descriptors", LargeBinary, nullable=False),
    Column("geometry", LargeBinary, nullable=False),
    Column("max_score", Double, nullable=False),
)

# By other releases than the image's own: while a server changes from one to another, and both are served.
release_features: Final = Table(
    "release_features",
    metadata,
    Column("model", String(255), primary_key=True),
    Column("image_key", Key, ForeignKey("reference_image.key", ondelete="CASCADE"), primary_key=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("feature_count", Integer, nullable=False),
    Column("descriptors", LargeBinary, nullable=False),
    Column("geometry", LargeBinary, nullable=False),
    Column("max_score", Double, nullable=False),
    Index(None, "image_key"),
)

# Empty until a release has been changed for another: the settings name the one that is served.
served_model: Final = Table(
    "served_model",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("source", Text, nullable=False),
    Column("place", Integer, nullable=False),  # 0: the default
)

change: Final = Table(
    "change",
    metadata,
    Column("sequence", Key, primary_key=True),
    Column("kind", String(6), nullable=False),
    Column("image_key", Key, nullable=False),  # no foreign key: the history outlives the image
    Column("facts", Boolean, server_default=false(), nullable=False),  # labels or location changed, nothing else
    CheckConstraint("kind IN ('ADD', 'REMOVE')", name="kind"),
    sqlite_autoincrement=True,
)

# Never emptied: the contract sets no time after which a repeat becomes a new request, and next to the features
# of an image its row is small.
request: Final = Table(
    "request",
    metadata,
    Column("request_id", String(36), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("answer", JSON, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
)

api_key: Final = Table(
    "api_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("display_name", String(200), nullable=False),
    Column("scope", String(6), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("requests_per_second", Double, nullable=False),
    Column("burst", Integer, nullable=False),
    Column("monthly_identifications", BigInteger, nullable=False),
    Column("successor", Id, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("expire_time", UtcDateTime),
    Column("revoke_time", UtcDateTime),
    Column("last_use_time", UtcDateTime),
    CheckConstraint("scope IN ('device', 'reader', 'editor', 'admin')", name="scope"),
)

key_usage: Final = Table(
    "key_usage",
    metadata,
    Column("key_id", Id, ForeignKey("api_key.id"), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("identified", BigInteger, nullable=False),
    Column("unknown", BigInteger, nullable=False),
)

audit_event: Final = Table(
    "audit_event",
    metadata,
    Column("number", Key, primary_key=True),
    Column("time", UtcDateTime, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("method", String(255), nullable=False),
    Column("resource", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    Column("outcome", String(32), nullable=False),
    # What a change of a landmark or an image did, by path. NULL: not known, or forgotten with what is gone for good.
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("undoes", Key),  # number of an event
    Column("batch", Key),  # number of the first event of those that were written together; NULL: this is it
    Index(None, "resource", "number"),
    Index(None, "actor", "number"),
    Index(None, "method", "number"),
    Index(None, "outcome", "number"),
    Index(None, "batch"),
    Index(None, "time"),
    sqlite_autoincrement=True,  # the log must not hide that its end was cut off
)

operation: Final = Table(
    "operation",
    metadata,
    Column("id", Id, primary_key=True),  # sorts by time
    Column("method", String(255), nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("state", String(9), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("step", String(200), server_default=text("''"), nullable=False),
    Column("done", BigInteger, server_default=text("0"), nullable=False),
    Column("total", BigInteger, server_default=text("0"), nullable=False),
    Column("problem_count", BigInteger, server_default=text("0"), nullable=False),
    Column("checkpoint", JSON, server_default=text("'{}'"), nullable=False),
    Column("results", JSON, server_default=text("'{}'"), nullable=False),
    Column("error_status", String(32), server_default=text("''"), nullable=False),
    Column("error_message", Text, server_default=text("''"), nullable=False),
    Column("cancel_requested", Boolean, server_default=false(), nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("start_time", UtcDateTime),
    Column("update_time", UtcDateTime, nullable=False),
    Column("end_time", UtcDateTime),
    Column("owner", String(80), server_default=text("''"), nullable=False),  # what runs it
    Column("lease_until", UtcDateTime),  # then it may be taken from its owner
    Index(None, "state", "id"),
    CheckConstraint("state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')", name="state"),
)

operation_problem: Final = Table(
    "operation_problem",
    metadata,
    Column("operation_id", Id, ForeignKey("operation.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("item", Text, nullable=False),
    Column("status", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Index(None, "operation_id", "item"),
)

# Goes with the landmark; the sums of the server stay.
landmark_usage: Final = Table(
    "landmark_usage",
    metadata,
    Column("landmark_key", Key, ForeignKey("landmark.key", ondelete="CASCADE"), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("identified", BigInteger, nullable=False),
    Index(None, "month"),
)

server_usage: Final = Table(
    "server_usage",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("identified", BigInteger, nullable=False),
    Column("unknown", BigInteger, nullable=False),
)

# What was searched with lies in a file, named after the id. No foreign keys: a query is history.
kept_query: Final = Table(
    "kept_query",
    metadata,
    Column("id", Id, primary_key=True),  # sorts by time
    Column("create_time", UtcDateTime, nullable=False),
    Column("key_id", Id, nullable=False),
    Column("request_id", String(128), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("landmark_id", Id, nullable=False),  # of the first candidate
    Column("confidence", Double, nullable=False),  # of the first candidate
    Column("candidates", JSON, nullable=False),
    Column("model", String(255), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("feature_count", Integer, nullable=False),
    Column("content", String(8), nullable=False),
    Column("media_type", String(255), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("verdict", String(12), server_default=text("'none'"), nullable=False),
    Column("reviewed_landmark_id", Id, server_default=text("''"), nullable=False),
    Column("reviewer", String(80), server_default=text("''"), nullable=False),
    Column("review_time", UtcDateTime),
    Column("image_landmark_id", Id, server_default=text("''"), nullable=False),  # of the image made of it
    Column("image_id", Id, server_default=text("''"), nullable=False),
    Column("origin", String(8), server_default=text("'query'"), nullable=False),
    Column("said", String(12), server_default=text("'none'"), nullable=False),  # by who sent it, as what follows
    Column("said_landmark_id", Id, server_default=text("''"), nullable=False),
    Column("shown_landmark_id", Id, server_default=text("''"), nullable=False),
    Column("suggested_name", String(200), server_default=text("''"), nullable=False),
    Column("note", Text, server_default=text("''"), nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Index(None, "create_time"),
    Index(None, "key_id"),
    Index(None, "origin", "key_id", "create_time"),
    CheckConstraint("outcome IN ('identified', 'unknown')", name="outcome"),
    CheckConstraint("content IN ('photo', 'features')", name="content"),
    CheckConstraint("verdict IN ('none', 'right', 'wrong', 'landmark', 'not_landmark')", name="verdict"),
)

# The file lies in the data folder; the row tells which it is, so that one takes the place of another in a transaction.
pack: Final = Table(
    "pack",
    metadata,
    Column("id", Id, primary_key=True),
    Column("settings", JSON, nullable=False),
    Column("model", String(255), nullable=False),
    Column("tflite_sha256", String(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("landmark_count", BigInteger, nullable=False),
    Column("image_count", BigInteger, nullable=False),
    Column("feature_count", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("file", String(80), nullable=False),
    Column("content", String(64), nullable=False),  # tells whether a new one would be another
    Column("create_time", UtcDateTime, nullable=False),
)
