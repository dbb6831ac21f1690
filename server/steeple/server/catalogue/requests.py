"""Idempotency: a request that is sent again does nothing and gets the first answer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import tables
from steeple.server.catalogue.ids import check_id
from steeple.v1 import features_pb2

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NIL: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Request:
    """One request, as far as its repetition is concerned.

    Attributes:
        request_id: Canonical UUID; empty if the application does not mind repetition.
        fingerprint: SHA-256, hex, of the method and all that was asked for.
    """

    request_id: str
    fingerprint: str

    @staticmethod
    def of(method: str, request_id: str, content: Mapping[str, Any]) -> Request:
        """The request that calls ``method`` with ``content``, which must be fit for JSON.

        Raises:
            InvalidArgumentError: If the id is neither empty nor a UUID.
        """
        request_id = check_request_id(request_id)
        canonical = json.dumps([method, content], sort_keys=True, separators=(",", ":"), allow_nan=False)
        return Request(request_id, hashlib.sha256(canonical.encode("ascii")).hexdigest())

    def answer(self, connection: Connection) -> dict[str, Any] | None:
        """What this request was answered before, or None if it is new or has no id.

        Raises:
            InvalidArgumentError: If its id was used with other content.
        """
        if not self.request_id:
            return None
        query = select(tables.request.c.fingerprint, tables.request.c.answer)
        row = connection.execute(query.where(tables.request.c.request_id == self.request_id)).one_or_none()
        if row is None:
            return None
        if row.fingerprint != self.fingerprint:
            raise InvalidArgumentError(
                f"request_id {self.request_id} was used before with other content; make a new UUID for each request",
                field="request_id",
            )
        return dict(row.answer)

    def remember(self, connection: Connection, answer: Mapping[str, Any], now: datetime) -> None:
        """Keeps the answer for repeats, in the transaction that carries the request out."""
        if self.request_id:
            connection.execute(
                insert(tables.request).values(
                    request_id=self.request_id, fingerprint=self.fingerprint, answer=dict(answer), create_time=now
                )
            )


def check_request_id(request_id: str) -> str:
    """``request_id`` in lower case, if it is empty or a UUID; for what is looked up before a :class:`Request` is made.

    Raises:
        InvalidArgumentError: If it is neither.
    """
    request_id = request_id.lower()
    if request_id and (request_id == _NIL or not _UUID.fullmatch(request_id)):
        raise InvalidArgumentError(
            "request_id must be a UUID of 32 hex digits and 4 hyphens that is made anew for each request, "
            f"not {request_id[:80]!r}",
            field="request_id",
        )
    return request_id


def features_digest(packed: features_pb2.FeatureSet) -> str:
    """SHA-256, hex, of all that a packed FeatureSet says."""
    facts = [packed.model, packed.image_width, packed.image_height, packed.max_score]
    digest = hashlib.sha256(json.dumps(facts).encode("ascii"))
    digest.update(packed.descriptors)
    digest.update(packed.geometry)
    return digest.hexdigest()


def image_request(
    request_id: str, landmark_id: str, image_id: str, source: Mapping[str, str], metadata: Mapping[str, str]
) -> Request:
    """The request that adds a reference image made from ``source``: a photo or features.

    Raises:
        InvalidArgumentError: If an id is malformed.
    """
    check_id(landmark_id, "landmark_id")
    if image_id:
        check_id(image_id, "image_id")
    content = {"landmark": landmark_id, "id": image_id, "source": source, "metadata": dict(metadata)}
    return Request.of("CreateReferenceImage", request_id, content)
