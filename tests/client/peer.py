"""A Steeple server that does as it is told, also what a healthy one would not do.

It speaks gRPC on a real socket. Unless a script says otherwise, it answers with the least that is valid.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from steeple.v1 import catalog_service_pb2 as catalog
from steeple.v1 import (
    catalog_service_pb2_grpc,
    explain_service_pb2,
    explain_service_pb2_grpc,
    feedback_service_pb2,
    feedback_service_pb2_grpc,
    landmark_pb2,
    model_pb2,
    review_service_pb2,
    review_service_pb2_grpc,
    server_service_pb2,
    server_service_pb2_grpc,
    visual_search_service_pb2_grpc,
)
from steeple.v1 import visual_search_service_pb2 as search

Step = Callable[[Any, grpc.ServicerContext], Any]
"""One call's behaviour: from the request (for a stream, an iterator of them) to the response (or an iterator)."""

PATIENCE = 20.0  # seconds until a test that waits for what does not come fails


@dataclass(frozen=True)
class Received:
    """One call as the server saw it."""

    method: str
    request: Any
    time_remaining: float | None
    metadata: dict[str, str | bytes]


def info(reason: str, domain: str = "steeple", **metadata: str) -> Message:
    result: Message = error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata)
    return result


def retry_after(seconds: float) -> Message:
    result = error_details_pb2.RetryInfo()
    result.retry_delay.FromNanoseconds(round(seconds * 1e9))
    return result  # type: ignore[no-any-return]


def abort(context: grpc.ServicerContext, code: grpc.StatusCode, text: str, *details: Message) -> NoReturn:
    """Ends a call with a status and, if any are given, its rich details."""
    if not details:
        context.abort(code, text)
    status = status_pb2.Status(code=code.value[0], message=text)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    context.abort_with_status(rpc_status.to_status(status))


def fail(code: grpc.StatusCode, text: str = "as the test wants", *details: Message) -> Step:
    def step(_: Any, context: grpc.ServicerContext) -> NoReturn:
        abort(context, code, text, *details)

    return step


def answer_of(query: search.Query) -> search.Answer:
    """The answer that tells the query's size."""
    return search.Answer(
        outcome=search.OUTCOME_UNKNOWN,
        model="models/delf-lite2-v1",
        image_width=query.features.image_width,
        image_height=query.features.image_height,
        feature_count=len(query.features.descriptors) // 40,
    )


@dataclass
class Peer:
    """State and script of the server."""

    received: list[Received] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    models: dict[str, model_pb2.Model] = field(default_factory=dict)
    landmarks: list[landmark_pb2.Landmark] = field(default_factory=list)
    images: list[landmark_pb2.ReferenceImage] = field(default_factory=list)
    kept_queries: list[review_service_pb2.KeptQuery] = field(default_factory=list)
    usage: server_service_pb2.GetUsageResponse = field(default_factory=server_service_pb2.GetUsageResponse)
    server_info: server_service_pb2.ServerInfo = field(default_factory=server_service_pb2.ServerInfo)
    port: int = 0
    scripts: dict[str, deque[Step]] = field(default_factory=dict)

    def script(self, method: str, *steps: Step) -> None:
        """What the next calls of a method meet, one step a call; the last one stays."""
        self.scripts[method] = deque(steps)

    def normally(self, request: Any, context: grpc.ServicerContext) -> None:
        """The step that behaves."""

    def blocked(self, request: Any, context: grpc.ServicerContext) -> None:
        """The step that answers when :attr:`gate` opens; sets :attr:`entered`, and :attr:`cancelled` if given up."""
        if not context.add_callback(self.cancelled.set):  # the call ended before it came here
            self.cancelled.set()
        self.entered.set()
        self.gate.wait(PATIENCE)

    def calls(self, method: str) -> list[Any]:
        """The requests of a method so far."""
        return [call.request for call in self.received if call.method == method]

    def meet(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        metadata = dict(context.invocation_metadata())
        self.received.append(Received(method, request, context.time_remaining(), metadata))
        script = self.scripts.get(method)
        if not script:
            return None
        return (script.popleft() if len(script) > 1 else script[0])(request, context)

    def start(self, address: str = "127.0.0.1:0", credentials: grpc.ServerCredentials | None = None) -> grpc.Server:
        server = grpc.server(
            ThreadPoolExecutor(16),
            options=[("grpc.max_receive_message_length", 24 * 2**20), ("grpc.so_reuseport", 0)],
        )
        visual_search_service_pb2_grpc.add_VisualSearchServiceServicer_to_server(_VisualSearch(self), server)
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(_Catalog(self), server)
        server_service_pb2_grpc.add_ServerServiceServicer_to_server(_Server(self), server)
        explain_service_pb2_grpc.add_ExplainServiceServicer_to_server(_Explain(self), server)
        review_service_pb2_grpc.add_ReviewServiceServicer_to_server(_Review(self), server)
        feedback_service_pb2_grpc.add_FeedbackServiceServicer_to_server(_Feedback(self), server)
        check: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            lambda request, context: self.meet("Check", request, context) or b"\x08\x01"
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check}),)
        )
        if credentials is None:
            self.port = server.add_insecure_port(address)
        else:
            self.port = server.add_secure_port(address, credentials)
        server.start()
        return server


class _VisualSearch(visual_search_service_pb2_grpc.VisualSearchServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def Identify(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name, as all below
        return self.peer.meet("Identify", request, context) or search.IdentifyResponse(answer=answer_of(request.query))

    def IdentifyStream(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802
        context.add_callback(self.peer.cancelled.set)
        return self.peer.meet("IdentifyStream", request_iterator, context) or self.each(request_iterator)

    def each(self, requests: Iterator[search.IdentifyStreamRequest]) -> Iterator[search.IdentifyStreamResponse]:
        for request in requests:
            yield search.IdentifyStreamResponse(frame_id=request.frame_id, answer=answer_of(request.query))

    def GetModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("GetModel", request, context)
        if scripted is None and request.name not in self.peer.models:
            abort(context, grpc.StatusCode.NOT_FOUND, f"no {request.name}", info("NOT_FOUND"))
        return scripted or search.GetModelResponse(model=self.peer.models[request.name])

    def ListModels(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("ListModels", request, context) or search.ListModelsResponse(
            models=self.peer.models.values()
        )


class _Catalog(catalog_service_pb2_grpc.CatalogServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def CreateLandmark(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("CreateLandmark", request, context)
        landmark = landmark_pb2.Landmark()
        landmark.CopyFrom(request.landmark)
        landmark.name = f"landmarks/{request.landmark_id or 'chosen'}"
        return scripted or catalog.CreateLandmarkResponse(landmark=landmark)

    def GetLandmark(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("GetLandmark", request, context)
        return scripted or catalog.GetLandmarkResponse(landmark=landmark_pb2.Landmark(name=request.name))

    def GetCoverage(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("GetCoverage", request, context) or catalog.GetCoverageResponse()

    def ListLandmarks(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("ListLandmarks", request, context)
        page, token = _page(self.peer.landmarks, request)
        return scripted or catalog.ListLandmarksResponse(
            landmarks=page, next_page_token=token, total_size=len(self.peer.landmarks)
        )

    def UpdateLandmark(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("UpdateLandmark", request, context)
        return scripted or catalog.UpdateLandmarkResponse(landmark=request.landmark)

    def DeleteLandmark(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("DeleteLandmark", request, context) or catalog.DeleteLandmarkResponse()

    def CreateReferenceImage(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("CreateReferenceImage", request, context)
        image = landmark_pb2.ReferenceImage(
            name=f"{request.parent}/images/{request.reference_image_id or 'chosen'}",
            metadata=request.reference_image.metadata,
        )
        return scripted or catalog.CreateReferenceImageResponse(reference_image=image)

    def GetReferenceImage(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("GetReferenceImage", request, context)
        image = landmark_pb2.ReferenceImage(name=request.name)
        return scripted or catalog.GetReferenceImageResponse(reference_image=image)

    def ListReferenceImages(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("ListReferenceImages", request, context)
        page, token = _page(self.peer.images, request)
        return scripted or catalog.ListReferenceImagesResponse(reference_images=page, next_page_token=token)

    def UpdateReferenceImage(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("UpdateReferenceImage", request, context)
        return scripted or catalog.UpdateReferenceImageResponse(reference_image=request.reference_image)

    def DeleteReferenceImage(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("DeleteReferenceImage", request, context) or catalog.DeleteReferenceImageResponse()

    def UndeleteLandmark(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("UndeleteLandmark", request, context)
        return scripted or catalog.UndeleteLandmarkResponse(landmark=landmark_pb2.Landmark(name=request.name))

    def UndeleteReferenceImage(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("UndeleteReferenceImage", request, context)
        image = landmark_pb2.ReferenceImage(name=request.name)
        return scripted or catalog.UndeleteReferenceImageResponse(reference_image=image)

    def UndoChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("UndoChange", request, context) or catalog.UndoChangeResponse()

    def GetReferenceImageThumbnail(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet(
            "GetReferenceImageThumbnail", request, context
        ) or catalog.GetReferenceImageThumbnailResponse(image=b"small")

    def BatchCreateLandmarks(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("BatchCreateLandmarks", request, context) or catalog.BatchCreateLandmarksResponse(
            landmarks=[landmark_pb2.Landmark(name=f"landmarks/{one.landmark_id}") for one in request.requests]
        )

    def BatchDeleteReferenceImages(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("BatchDeleteReferenceImages", request, context)
        return scripted or catalog.BatchDeleteReferenceImagesResponse()

    def BatchUpdateLandmarks(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("BatchUpdateLandmarks", request, context)
        return scripted or catalog.BatchUpdateLandmarksResponse(updated=request.names)

    def BatchDeleteLandmarks(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("BatchDeleteLandmarks", request, context) or catalog.BatchDeleteLandmarksResponse()

    def ListLandmarkClusters(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("ListLandmarkClusters", request, context)
        return scripted or catalog.ListLandmarkClustersResponse(zoom=request.zoom)

    def DownloadReferenceImage(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("DownloadReferenceImage", request, context) or catalog.DownloadReferenceImageResponse(
            image=b"photo", media_type="image/jpeg"
        )


class _Review(review_service_pb2_grpc.ReviewServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def ListKeptQueries(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("ListKeptQueries", request, context)
        page, token = _page(self.peer.kept_queries, request)
        return scripted or review_service_pb2.ListKeptQueriesResponse(kept_queries=page, next_page_token=token)

    def GetKeptQuery(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("GetKeptQuery", request, context)
        return scripted or review_service_pb2.GetKeptQueryResponse(
            kept_query=review_service_pb2.KeptQuery(name=request.name)
        )

    def GroupKeptQueries(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("GroupKeptQueries", request, context)
        return scripted or review_service_pb2.GroupKeptQueriesResponse(
            groups=[review_service_pb2.KeptQueryGroup(kept_queries=self.peer.kept_queries, landmark="landmarks/a")],
            compared_count=3,
            waiting_count=2,
            unusable_count=1,
            total_size=7,
        )

    def GetKeptQueryThumbnail(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("GetKeptQueryThumbnail", request, context)
        return scripted or review_service_pb2.GetKeptQueryThumbnailResponse(image=b"small")

    def DownloadKeptQuery(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("DownloadKeptQuery", request, context) or review_service_pb2.DownloadKeptQueryResponse(
            image=b"photo", media_type="image/jpeg"
        )

    def ReviewQuery(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("ReviewQuery", request, context) or review_service_pb2.ReviewQueryResponse(
            kept_query=review_service_pb2.KeptQuery(
                name=request.name, verdict=request.verdict, landmark=request.landmark
            )
        )

    def PromoteQuery(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("PromoteQuery", request, context) or review_service_pb2.PromoteQueryResponse()

    def EraseQueries(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("EraseQueries", request, context) or review_service_pb2.EraseQueriesResponse(
            erased_count=len(request.names)
        )


class _Feedback(feedback_service_pb2_grpc.FeedbackServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def SendFeedback(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("SendFeedback", request, context)
        return scripted or feedback_service_pb2.SendFeedbackResponse(name="queries/sent")

    def ProposePhoto(self, request: Any, context: Any) -> Any:  # noqa: N802
        scripted = self.peer.meet("ProposePhoto", request, context)
        return scripted or feedback_service_pb2.ProposePhotoResponse(name="queries/proposed")


class _Explain(explain_service_pb2_grpc.ExplainServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def ExplainIdentify(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("ExplainIdentify", request, context) or explain_service_pb2.ExplainIdentifyResponse()


class _Server(server_service_pb2_grpc.ServerServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def GetServerInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("GetServerInfo", request, context) or server_service_pb2.GetServerInfoResponse(
            server_info=self.peer.server_info
        )

    def GetUsage(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("GetUsage", request, context) or self.peer.usage

    def GetTraffic(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("GetTraffic", request, context) or server_service_pb2.GetTrafficResponse()

    def GetStorage(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("GetStorage", request, context) or server_service_pb2.GetStorageResponse()

    def GetCalibration(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self.peer.meet("GetCalibration", request, context) or server_service_pb2.GetCalibrationResponse()


def _page(items: list[Any], request: Any) -> tuple[list[Any], str]:
    start = int(request.page_token or 0)
    end = start + request.page_size
    return items[start:end], str(end) if end < len(items) else ""
