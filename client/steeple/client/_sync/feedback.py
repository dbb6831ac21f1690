# Made from _async/feedback.py by tools/generate_sync_client.py; do not edit.
"""Calls of the FeedbackService."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from steeple.client._budgets import budgets_of
from steeple.client._convert import landmark_name, point_message
from steeple.client._convert_review import verdict_value
from steeple.client._photos import Photo
from steeple.client._queries import query_message
from steeple.client._requests import request_id_or_new
from steeple.client._sync.connection import Connection
from steeple.client.resources import Landmark, LatLng
from steeple.client.review import QueryVerdict
from steeple.v1 import feedback_service_pb2 as api
from steeple.v1.review_service_pb2 import Feedback

_CANDIDATES: Final = 5  # as `identify` asks for, if nothing else is said


class FeedbackCalls:
    """The part of the client that says what people make of answers.

    All raise FailedPreconditionError if the server takes no feedback, or none with this key, and ResourceExhaustedError
    if the key has sent as much as it may in a day.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send_feedback(
        self,
        photo: Photo,
        verdict: QueryVerdict | str,
        *,
        landmark: str | Landmark | None = None,
        shown: str | Landmark | None = None,
        suggested_name: str = "",
        note: str = "",
        location: LatLng | None = None,
        upload: bool = False,
        near: LatLng | None = None,
        radius_meters: float | None = None,
        metadata: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        request_id: str = "",
        timeout: float | None = None,
    ) -> str:
        """Says whether the answer to a query was right, and what it shows. It waits for review, and changes nothing.

        Args:
            photo: As for ``identify``. The features that were searched with suffice.
            verdict: What there is to say.
            landmark: What it shows, with the verdict ``landmark`` and with no other.
            shown: The landmark that was the answer; None: that it is unknown.
            suggested_name: What people call it; at most 200 characters.
            note: Whatever else there is to say; at most 2000 characters.
            location: Where the photo was taken. It is kept: leave it out unless whoever took it agrees.
            upload: True: the photo itself is sent, and kept without its metadata: only if whoever took it agrees.
            near: As it was asked, and so are the next three.
            radius_meters: Goes with ``near``.
            metadata: Of the landmarks that were looked for.
            max_bytes: Of the query. What is said of it comes on top.
            request_id: UUID of the request; empty: a new one. Who cannot send it now sends it later with the same.
            timeout: Seconds; None: the client's, or ``long_timeout`` to upload.

        Returns:
            ``queries/{id}``: what to ask whoever runs the server about.

        Raises:
            InvalidArgumentError: If verdict and landmark do not go together, or a text is too long.
            ImageError: If the photo cannot be used.
            ModelMismatchError: If the server does not serve the release that made the features.
        """
        query = query_message(_CANDIDATES, near, radius_meters, metadata)
        request = api.SendFeedbackRequest(
            query=query,
            feedback=Feedback(
                verdict=verdict_value(verdict),
                landmark="" if landmark is None else landmark_name(landmark),
                shown_landmark="" if shown is None else landmark_name(shown),
                suggested_name=suggested_name,
                note=note,
                location=point_message(location),
            ),
            request_id=request_id_or_new(request_id),
        )
        budgets = budgets_of(query, max_bytes, upload=upload, progressive=False)
        source = self._connection.prepare(photo, upload=upload, timeout=timeout, budgets=budgets)
        source.put_into(request.query)
        response = self._connection.call(
            self._connection.link.feedback.SendFeedback, request, timeout=timeout, long=upload
        )
        return str(response.name)

    def propose_photo(
        self,
        photo: Photo,
        suggested_name: str,
        *,
        note: str = "",
        location: LatLng | None = None,
        request_id: str = "",
        timeout: float | None = None,
    ) -> str:
        """Proposes a photo for the catalogue. It is sent as it is, kept without its metadata, and waits for review.

        Args:
            photo: A path, an encoded image or pixels; not features.
            suggested_name: What people call what it shows; 1 to 200 characters.
            note: Whatever else there is to say; at most 2000 characters.
            location: Where it was taken. It is kept: leave it out unless whoever took it agrees.
            request_id: UUID of the request; empty: a new one. Who cannot send it now sends it later with the same.
            timeout: Seconds; None: the client's ``long_timeout``.

        Returns:
            ``queries/{id}``: what to ask whoever runs the server about.

        Raises:
            InvalidArgumentError: If the name is blank, or a text is too long.
            ImageError: If the photo cannot be used.
            ResourceExhaustedError: Also if it is larger than the server takes.
        """
        source = self._connection.prepare(photo, upload=True, timeout=timeout)
        request = api.ProposePhotoRequest(
            image=source.image or b"",
            suggested_name=suggested_name,
            note=note,
            location=point_message(location),
            request_id=request_id_or_new(request_id),
        )
        response = self._connection.call(
            self._connection.link.feedback.ProposePhoto, request, timeout=timeout, long=True
        )
        return str(response.name)
