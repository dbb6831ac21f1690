"""Valid requests of the services that work in the background, and of those that tell what came of it.

What is heavy, or takes away what others need, is asked for by names that nothing has; or with the id of a request, so
that a repeat begins nothing anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from steeple.delf.release import DEFAULT_RELEASE
from steeple.v1 import discovery_service_pb2 as discovery
from steeple.v1 import import_service_pb2 as imports
from steeple.v1 import model_service_pb2 as models
from steeple.v1 import operation_service_pb2 as operations
from steeple.v1 import pack_service_pb2 as packs
from steeple.v1 import review_service_pb2 as review
from steeple.v1 import server_service_pb2 as server
from steeple.v1 import snapshot_service_pb2 as snapshots
from steeple.v1 import transfer_service_pb2 as transfer
from steeple.v1 import upload_service_pb2 as uploads
from steeple.v1 import view_service_pb2 as views
from steeple.v1.catalog_service_pb2 import DUPLICATE_POLICY_NONE, DUPLICATE_POLICY_REFUSE
from steeple.v1.landmark_pb2 import Landmark, LatLng
from tests.fuzz.known import Known

LANDMARK = "landmarks/tower"


def job_requests(known: Known, landmark: Callable[[], Landmark], uuid: str) -> dict[str, Sequence[Message]]:
    """By ``{service}/{method}``.

    Args:
        known: What there is.
        landmark: Makes one with every field that is read.
        uuid: With a place for a number.
    """
    return {
        **_files_and_operations(known, uuid),
        **_review(known, landmark, uuid),
        **_discovery(known, landmark, uuid),
        **_packs(known, uuid),
        **_views(known, uuid),
    }


def _files_and_operations(known: Known, uuid: str) -> dict[str, Sequence[Message]]:
    options: dict[str, Any] = {
        "manifest": "manifest.csv",
        "validate_only": True,
        "existing_landmark_policy": imports.EXISTING_LANDMARK_POLICY_UPDATE,
        "duplicate_policy": DUPLICATE_POLICY_NONE,
    }
    return {
        "ServerService/GetUsage": [server.GetUsageRequest(month="2026-11", max_landmarks=3)],
        "ServerService/GetTraffic": [server.GetTrafficRequest(period_minutes=30, interval_minutes=5)],
        "ServerService/GetStorage": [server.GetStorageRequest()],
        "ServerService/GetCalibration": [server.GetCalibrationRequest(name=f"models/{DEFAULT_RELEASE}")],
        "OperationService/GetOperation": [operations.GetOperationRequest(name=known.operation)],
        "OperationService/ListOperations": [
            operations.ListOperationsRequest(
                page_size=2, states=[operations.Operation.STATE_SUCCEEDED, operations.Operation.STATE_QUEUED]
            )
        ],
        "OperationService/ListOperationProblems": [
            operations.ListOperationProblemsRequest(parent=known.operation, page_size=2)
        ],
        "OperationService/CancelOperation": [operations.CancelOperationRequest(name="operations/none")],
        "OperationService/ResumeOperation": [operations.ResumeOperationRequest(name="operations/none")],
        "OperationService/DownloadOperationFile": [
            operations.DownloadOperationFileRequest(name=known.operation, file=known.file, offset=1)
        ],
        "OperationService/DeleteOperation": [operations.DeleteOperationRequest(name="operations/none")],
        "UploadService/CreateUpload": [
            uploads.CreateUploadRequest(
                file_name="photos.zip", size_bytes=1000, sha256="ab" * 32, request_id=uuid.format(32)
            )
        ],
        "UploadService/WriteUpload": [
            uploads.WriteUploadRequest(name=known.unfinished_upload, data=b"PK"),
            uploads.WriteUploadRequest(name=known.unfinished_upload, offset=2, data=b"\3\4"),
        ],
        "UploadService/GetUpload": [uploads.GetUploadRequest(name=known.upload)],
        "UploadService/ListUploads": [uploads.ListUploadsRequest(page_size=1)],
        "UploadService/DeleteUpload": [uploads.DeleteUploadRequest(name="uploads/none")],
        "TransferService/ExportCatalogue": [
            transfer.ExportCatalogueRequest(without_photos=True, request_id=uuid.format(33))
        ],
        "TransferService/ImportCatalogue": [
            transfer.ImportCatalogueRequest(
                upload=known.upload,
                existing_policy=transfer.ImportCatalogueRequest.EXISTING_POLICY_SKIP,
                request_id=uuid.format(34),
            )
        ],
        "ImportService/ImportReferenceImages": [
            imports.ImportReferenceImagesRequest(upload=known.upload, request_id=uuid.format(35), **options),
            imports.ImportReferenceImagesRequest(folder=known.folder, request_id=uuid.format(36), **options),
        ],
        "SnapshotService/CreateSnapshot": [
            snapshots.CreateSnapshotRequest(without_index=True, keep=3, request_id=uuid.format(37))
        ],
        "SnapshotService/GetSnapshot": [snapshots.GetSnapshotRequest(name=known.snapshot)],
        "SnapshotService/DeleteSnapshot": [snapshots.DeleteSnapshotRequest(name="snapshots/none")],
        "SnapshotService/VerifySnapshot": [snapshots.VerifySnapshotRequest(name=known.snapshot)],
        "ModelService/UpgradeModel": [models.UpgradeModelRequest(release="none", request_id=uuid.format(38))],
        "ModelService/RetireModel": [models.RetireModelRequest(name="models/none", request_id=uuid.format(39))],
    }


def _review(known: Known, landmark: Callable[[], Landmark], uuid: str) -> dict[str, Sequence[Message]]:
    return {
        "ReviewService/ListKeptQueries": [
            review.ListKeptQueriesRequest(page_size=2, filter="outcome = unknown", order_by="create_time desc")
        ],
        "ReviewService/GetKeptQuery": [review.GetKeptQueryRequest(name=known.query)],
        "ReviewService/DownloadKeptQuery": [review.DownloadKeptQueryRequest(name=known.query)],
        "ReviewService/GetKeptQueryThumbnail": [review.GetKeptQueryThumbnailRequest(name=known.query)],
        "ReviewService/ReviewQuery": [
            review.ReviewQueryRequest(name=known.query, verdict=review.KeptQuery.VERDICT_LANDMARK, landmark=LANDMARK)
        ],
        "ReviewService/PromoteQuery": [
            review.PromoteQueryRequest(
                name=known.query,
                metadata={"photographer": "Ada"},
                duplicate_policy=DUPLICATE_POLICY_REFUSE,
                request_id=uuid.format(48),
            ),
            review.PromoteQueryRequest(name="queries/none", new_landmark=landmark(), landmark_id="mill"),
        ],
        "ReviewService/GroupKeptQueries": [review.GroupKeptQueriesRequest(filter="outcome = unknown", max_queries=10)],
        "ReviewService/EraseQueries": [
            review.EraseQueriesRequest(names=["queries/none"]),
            review.EraseQueriesRequest(key="keys/none"),
            review.EraseQueriesRequest(filter="promoted = true"),
        ],
    }


def _discovery(known: Known, landmark: Callable[[], Landmark], uuid: str) -> dict[str, Sequence[Message]]:
    options = discovery.DiscoveryOptions(radius_meters=100, reach_meters=2000, min_views=2)
    return {
        "DiscoveryService/StartDiscovery": [
            discovery.StartDiscoveryRequest(folder=known.folder, options=options, request_id=uuid.format(64)),
            discovery.StartDiscoveryRequest(upload=known.upload, options=options, request_id=uuid.format(65)),
        ],
        "DiscoveryService/ListDiscoveries": [discovery.ListDiscoveriesRequest(page_size=1)],
        "DiscoveryService/GetDiscovery": [discovery.GetDiscoveryRequest(name=known.discovery)],
        "DiscoveryService/DeleteDiscovery": [discovery.DeleteDiscoveryRequest(name="discoveries/none")],
        "DiscoveryService/ListProposals": [
            discovery.ListProposalsRequest(
                parent=known.discovery, page_size=1, states=[discovery.Proposal.STATE_PROPOSED]
            )
        ],
        "DiscoveryService/GetProposal": [discovery.GetProposalRequest(name=known.proposal)],
        "DiscoveryService/ListLeftovers": [discovery.ListLeftoversRequest(parent=known.discovery, page_size=1)],
        "DiscoveryService/DownloadProposalPhoto": [
            discovery.DownloadProposalPhotoRequest(name=known.photo, thumbnail=thumbnail) for thumbnail in (True, False)
        ],
        "DiscoveryService/AcceptProposal": [
            discovery.AcceptProposalRequest(
                name=known.proposal, landmark=landmark(), photos=[known.photo], request_id=uuid.format(66)
            ),
            discovery.AcceptProposalRequest(
                name=known.proposal, existing_landmark=LANDMARK, photos=[known.photo], request_id=uuid.format(67)
            ),
        ],
        "DiscoveryService/MergeProposals": [
            discovery.MergeProposalsRequest(
                parent=known.discovery,
                names=[known.proposal, f"{known.discovery}/proposals/99"],
                request_id=uuid.format(68),
            )
        ],
        "DiscoveryService/SplitProposal": [
            discovery.SplitProposalRequest(name=known.proposal, photos=[known.photo], request_id=uuid.format(69))
        ],
        "DiscoveryService/DiscardProposal": [
            discovery.DiscardProposalRequest(name=f"{known.discovery}/proposals/99", request_id=uuid.format(70))
        ],
        "DiscoveryService/RestoreProposal": [
            discovery.RestoreProposalRequest(name=f"{known.discovery}/proposals/99", request_id=uuid.format(71))
        ],
    }


def _packs(known: Known, uuid: str) -> dict[str, Sequence[Message]]:
    # Of places and labels that nothing has: that is found before anything is begun.
    settings = packs.PackSettings(
        display_name="Around Null Island",
        near=LatLng(latitude=0.5, longitude=-0.5),
        radius_meters=100,
        metadata={"kind": "none"},
        labels=["none"],
        max_images=2,
        max_features=100,
        exact_descriptors=True,
    )
    return {
        "PackService/CreatePack": [
            packs.CreatePackRequest(pack_id="island", settings=settings, request_id=uuid.format(96))
        ],
        "PackService/RefreshPack": [packs.RefreshPackRequest(name=known.pack, request_id=uuid.format(97))],
        "PackService/ExportPack": [
            packs.ExportPackRequest(pack_id="island", settings=settings, request_id=uuid.format(98))
        ],
        "PackService/GetPack": [packs.GetPackRequest(name=known.pack)],
        "PackService/ListPacks": [packs.ListPacksRequest(page_size=1)],
        "PackService/DownloadPack": [packs.DownloadPackRequest(name=known.pack, offset=10)],
        "PackService/DeletePack": [packs.DeletePackRequest(name="packs/none")],
    }


def _views(known: Known, uuid: str) -> dict[str, Sequence[Message]]:
    view: dict[str, Any] = {
        "display_name": "Few photos",
        "filter": "reference_image_count < 5",
        "order_by": "create_time desc",
        "layout": {"columns": "id,display_name"},
        "shared": True,
    }
    return {
        "ViewService/CreateView": [
            views.CreateViewRequest(
                view=views.View(collection=views.View.COLLECTION_LANDMARKS, **view), request_id=uuid.format(112)
            )
        ],
        "ViewService/ListViews": [
            views.ListViewsRequest(page_size=1, collection=views.View.COLLECTION_LANDMARKS, show_all=True)
        ],
        "ViewService/UpdateView": [
            views.UpdateViewRequest(
                view=views.View(name=known.view, **view),
                update_mask=FieldMask(paths=["display_name", "filter", "order_by", "layout", "shared"]),
                request_id=uuid.format(113),
            )
        ],
        "ViewService/DeleteView": [views.DeleteViewRequest(name="views/none", request_id=uuid.format(114))],
    }
