"""Tables of indexes that several servers share: whose they are, how far each has come, and who makes it anew.

A copy of the catalogue is another catalogue, which has indexes of its own: it gets none of these rows.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, String, Table, text

from steeple.server.catalogue.tables import COPIED, UtcDateTime, metadata

_ZERO: Final = text("0")

shared_index: Final = Table(
    "shared_index",
    metadata,
    Column("model", String(255), primary_key=True),
    Column("generation", Integer, server_default=_ZERO, nullable=False),  # that serves; 0: none yet
    Column("sequence", BigInteger, server_default=_ZERO, nullable=False),  # of the last change that it has
    Column("clock", BigInteger, server_default=_ZERO, nullable=False),  # the engine's, when it had that
    Column("size", BigInteger, server_default=_ZERO, nullable=False),  # descriptors that it was made for
    Column("building", Integer, server_default=_ZERO, nullable=False),  # generation that is made; 0: none
    Column("building_sequence", BigInteger, server_default=_ZERO, nullable=False),  # it may lack later changes
    Column("building_after", BigInteger, server_default=_ZERO, nullable=False),  # key of its last image
    Column("building_images", BigInteger, server_default=_ZERO, nullable=False),
    Column("building_size", BigInteger, server_default=_ZERO, nullable=False),
    Column("builder", String(64), server_default=text("''"), nullable=False),  # who makes it
    Column("builder_until", UtcDateTime),  # after that, another may go on
    Column("attempt", BigInteger, server_default=_ZERO, nullable=False),  # that ended well last
    info={COPIED: False},
)

# Noted before an index is changed, in a transaction of its own: an attempt that is only here may have done some of it.
shared_index_attempt: Final = Table(
    "shared_index_attempt",
    metadata,
    Column("model", String(255), primary_key=True),
    Column("attempt", BigInteger, nullable=False),
    info={COPIED: False},
)

# Part of the names of all that an engine keeps for this catalogue, so that no other one takes it for its own.
shared_index_identity: Final = Table(
    "shared_index_identity",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1: there is one row, made when first needed
    Column("identity", String(32), nullable=False),
    info={COPIED: False},
)
