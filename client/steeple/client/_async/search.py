"""Calls of the VisualSearchService."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from steeple.client._async.connection import AsyncConnection
from steeple.client._async.stream import AsyncAnswerStream
from steeple.client._budgets import budgets_of
from steeple.client._concurrency import AsyncFrames
from steeple.client._convert import model_name, to_answer, to_explanation, to_model
from steeple.client._photos import Photo, Source
from steeple.client._queries import MAX_CANDIDATES, query_message
from steeple.client._transport import check_timeout
from steeple.client.explanation import Explanation
from steeple.client.resources import LatLng
from steeple.client.types import Answer, Model
from steeple.errors import UnavailableError
from steeple.v1.explain_service_pb2 import ExplainIdentifyRequest
from steeple.v1.visual_search_service_pb2 import GetModelRequest, IdentifyRequest, ListModelsRequest, Query


class AsyncSearchCalls:
    """The part of the client that names landmarks."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def identify(
        self,
        photo: Photo,
        *,
        upload: bool = False,
        max_candidates: int = 5,
        include_matches: bool = False,
        include_thumbnails: bool = False,
        near: LatLng | None = None,
        radius_meters: float | None = None,
        metadata: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        progressive: bool = False,
        keep: bool = True,
        timeout: float | None = None,
    ) -> Answer:
        """Names the landmark in a photo.

        Args:
            photo: A path, an encoded image (JPEG, PNG, WebP, BMP), uint8[H, W, 3] in RGB, or its features.
            upload: False: features are extracted here and the photo stays here. True: the photo is sent and the
                server extracts; pixels are sent as JPEG.
            max_candidates: In the answer, at most; 1 to 100.
            include_matches: Whether candidates carry their inlier matches.
            include_thumbnails: Whether the first 10 candidates carry their reference images, made small.
            near: Look only for landmarks within ``radius_meters`` of it, and for those that have no location.
            radius_meters: Goes with ``near``.
            metadata: Look only for landmarks that have all of these entries.
            max_bytes: Send the best features only, coded shortly, in a request of at most as many bytes; 4096 are a
                good choice, 256 the least. None: all features.
            progressive: Spend ``max_bytes`` in parts, until the server is certain: fewer bytes, more round trips.
            keep: False: the server must not keep the query for review, also if its settings say that it keeps some.
            timeout: Seconds for the server's part; None: the client's ``timeout``, or ``long_timeout`` to upload.

        Raises:
            ImageError: If the photo cannot be used.
            ModelMismatchError: If the server does not serve the release that made the features.
            ResourceExhaustedError: If the message is too large, or the server at its limit for too long.
            UnavailableError: If the server cannot be reached.
            DeadlineExceededError: If it took too long.
        """
        query = query_message(
            max_candidates,
            near,
            radius_meters,
            metadata,
            include_matches=include_matches,
            include_thumbnails=include_thumbnails,
            keep=keep,
        )
        budgets = budgets_of(query, max_bytes, upload=upload, progressive=progressive)
        if progressive:
            return await self._identify_in_parts(photo, query, budgets, timeout)
        request = IdentifyRequest(query=query)
        with self._connection.tracing.span("identify"):
            source = await self._connection.prepare(photo, upload=upload, timeout=timeout, budgets=budgets)
            source.put_into(request.query)
            start = time.perf_counter()
            response = await self._connection.call(
                self._connection.link.visual_search.Identify, request, timeout=timeout, long=upload
            )
        return to_answer(
            response.answer,
            request_bytes=request.ByteSize(),
            device_extract=source.device_extract,
            round_trip=(time.perf_counter() - start) * 1e3,
        )

    async def explain(
        self,
        photo: Photo,
        *,
        upload: bool = False,
        include_matches: bool = False,
        near: LatLng | None = None,
        radius_meters: float | None = None,
        metadata: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        timeout: float | None = None,
    ) -> Explanation:
        """Why :meth:`identify` answers as it does: every image that was weighed, and what decided about it.

        Args:
            photo: As for :meth:`identify`, and so are the others.
            upload: Whether to send the photo instead of its features.
            include_matches: Whether images carry their inlier matches.
            near: Look only for landmarks around it.
            radius_meters: Goes with ``near``.
            metadata: Of the landmarks to look for.
            max_bytes: As for :meth:`identify`: what the answer to so many bytes is.
            timeout: Seconds for the server's part.

        Raises:
            ImageError: If the photo cannot be used.
            ModelMismatchError: If the server does not serve the release that made the features.
        """
        query = query_message(MAX_CANDIDATES, near, radius_meters, metadata, include_matches=include_matches)
        budgets = budgets_of(query, max_bytes, upload=upload, progressive=False)
        request = ExplainIdentifyRequest(query=query)
        source = await self._connection.prepare(photo, upload=upload, timeout=timeout, budgets=budgets)
        source.put_into(request.query)
        response = await self._connection.call(
            self._connection.link.explain.ExplainIdentify, request, timeout=timeout, long=upload
        )
        return to_explanation(response.explanation)

    async def _identify_in_parts(
        self, photo: Photo, query: Query, budgets: Sequence[int], timeout: float | None
    ) -> Answer:
        async def prepare(photo: Photo) -> Source:
            return await self._connection.prepare(photo, upload=False, timeout=timeout, budgets=budgets)

        seconds = check_timeout(self._connection.settings.timeout if timeout is None else timeout)
        answer: Answer | None = None
        async with AsyncAnswerStream(self._connection, [photo], prepare, query, seconds) as answers:
            async for found in answers:
                answer = found.answer
        if answer is None:
            raise UnavailableError("the server ended the call without an answer; try again")
        return answer

    def identify_stream(
        self,
        frames: AsyncFrames[Photo],
        *,
        upload: bool = False,
        max_candidates: int = 5,
        include_matches: bool = False,
        include_thumbnails: bool = False,
        near: LatLng | None = None,
        radius_meters: float | None = None,
        metadata: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        progressive: bool = False,
        keep: bool = True,
        timeout: float | None = None,
    ) -> AsyncAnswerStream:
        """Names the landmarks before a camera.

        Frames are taken from ``frames`` as fast as they can be sent. The server answers in order; while it works
        on one, only the newest waits and those it overtook are dropped. An exception from ``frames``, or a frame
        that cannot be used, is raised after the answers to the frames before it.

        Args:
            frames: Photos as for :meth:`identify`.
            upload: As for :meth:`identify`, and so are the next three.
            max_candidates: In each answer, at most; 1 to 100.
            include_matches: Whether candidates carry their inlier matches.
            include_thumbnails: Whether candidates carry thumbnails, in each answer anew; provisional ones have none.
            near: As for :meth:`identify`, and so are the next two.
            radius_meters: Goes with ``near``.
            metadata: Of the landmarks to look for.
            max_bytes: Of all requests of a frame; as for :meth:`identify`.
            progressive: As for :meth:`identify`. Answers that are ``provisional`` come before a frame's last one.
            keep: As for :meth:`identify`.
            timeout: Seconds for the whole stream; None: as long as there are frames.

        Returns:
            An iterator over the answers. Leaving it early cancels the call. Its errors are those of :meth:`identify`.
        """
        if timeout is not None:
            check_timeout(timeout)

        query = query_message(
            max_candidates,
            near,
            radius_meters,
            metadata,
            include_matches=include_matches,
            include_thumbnails=include_thumbnails,
            keep=keep,
        )
        budgets = budgets_of(query, max_bytes, upload=upload, progressive=progressive)

        async def prepare(photo: Photo) -> Source:
            return await self._connection.prepare(photo, upload=upload, timeout=None, budgets=budgets)

        return AsyncAnswerStream(self._connection, frames, prepare, query, timeout)

    async def get_model(self, model: str | Model, *, timeout: float | None = None) -> Model:
        """A model release that the server serves, by id (``delf-lite2-v1``) or name (``models/delf-lite2-v1``).

        Raises:
            NotFoundError: If it is not served.
        """
        response = await self._connection.call(
            self._connection.link.visual_search.GetModel, GetModelRequest(name=model_name(model)), timeout=timeout
        )
        return to_model(response.model)

    async def list_models(self, *, timeout: float | None = None) -> list[Model]:
        """The model releases that the server serves, the default first."""
        response = await self._connection.call(
            self._connection.link.visual_search.ListModels, ListModelsRequest(), timeout=timeout
        )
        return [to_model(model) for model in response.models]
