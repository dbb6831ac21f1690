"""The Python SDK of Steeple: names the landmark in a photo, and keeps the catalogue.

    from steeple.client import Client

    with Client("localhost:50051") as client:
        answer = client.identify("photo.jpg")
        print(answer.landmark.display_name if answer.landmark else "unknown")

:class:`Client` and :class:`AsyncClient` are the same but for ``await``. Errors are those of :mod:`steeple.errors`.
"""

from steeple.client._async.client import AsyncClient
from steeple.client._async.listing import AsyncListing
from steeple.client._async.stream import AsyncAnswerStream
from steeple.client._photos import Photo
from steeple.client._sync.client import Client
from steeple.client._sync.listing import Listing
from steeple.client._sync.stream import AnswerStream
from steeple.client.access import Key, KeyLimits, MonthlyUsage, NewKey, Scope
from steeple.client.calibration import (
    Calibration,
    CalibrationSource,
    FalsePositives,
    Reliability,
    ReliabilityBin,
)
from steeple.client.coverage import (
    CompassSector,
    Coverage,
    CoverageGap,
    CoverageImage,
    GapKind,
    ViewGroup,
    ViewMatch,
)
from steeple.client.discovery import (
    AcceptedProposal,
    Discovery,
    DiscoveryPhoto,
    LeftoverReason,
    MatchedPair,
    NearbyLandmark,
    Proposal,
    ProposalState,
)
from steeple.client.explanation import Evidence, ExplainedImage, Explanation, Verdict
from steeple.client.health import (
    AnswerInterval,
    Disk,
    Latency,
    MethodTraffic,
    StageTraffic,
    Storage,
    StorageKind,
    StoragePart,
    Traffic,
    TrafficInterval,
)
from steeple.client.history import AuditEvent, ChangeKind, FieldChange, UndoneChange
from steeple.client.landmark_map import LandmarkCluster, LandmarkMap
from steeple.client.listing import ListPage
from steeple.client.operations import Operation, OperationProblem, OperationState
from steeple.client.packs import Pack, PackState
from steeple.client.people import Me, NewSession, Person, Session
from steeple.client.resources import (
    UNSET,
    Duplicate,
    DuplicateKind,
    ImageFile,
    ImageState,
    Landmark,
    LatLng,
    Quality,
    ReferenceImage,
    Unset,
)
from steeple.client.review import (
    Feedback,
    KeptCandidate,
    KeptQuery,
    KeptQueryGroup,
    KeptQueryGroups,
    QueryContent,
    QueryOrigin,
    QueryVerdict,
)
from steeple.client.server_info import IndexInfo, ServerInfo, UpkeepActivity, UpkeepInfo
from steeple.client.snapshots import Snapshot
from steeple.client.types import Answer, Candidate, Model, StreamAnswer, Timings
from steeple.client.uploads import Upload
from steeple.client.usage import IdentifiedLandmark, KeyUsage, LandmarkUsage, Usage
from steeple.client.views import View, ViewCollection

__all__ = [
    "UNSET",
    "AcceptedProposal",
    "Answer",
    "AnswerInterval",
    "AnswerStream",
    "AsyncAnswerStream",
    "AsyncClient",
    "AsyncListing",
    "AuditEvent",
    "Calibration",
    "CalibrationSource",
    "Candidate",
    "ChangeKind",
    "Client",
    "CompassSector",
    "Coverage",
    "CoverageGap",
    "CoverageImage",
    "Discovery",
    "DiscoveryPhoto",
    "Disk",
    "Duplicate",
    "DuplicateKind",
    "Evidence",
    "ExplainedImage",
    "Explanation",
    "FalsePositives",
    "Feedback",
    "FieldChange",
    "GapKind",
    "IdentifiedLandmark",
    "ImageFile",
    "ImageState",
    "IndexInfo",
    "KeptCandidate",
    "KeptQuery",
    "KeptQueryGroup",
    "KeptQueryGroups",
    "Key",
    "KeyLimits",
    "KeyUsage",
    "Landmark",
    "LandmarkCluster",
    "LandmarkMap",
    "LandmarkUsage",
    "LatLng",
    "Latency",
    "LeftoverReason",
    "ListPage",
    "Listing",
    "MatchedPair",
    "Me",
    "MethodTraffic",
    "Model",
    "MonthlyUsage",
    "NearbyLandmark",
    "NewKey",
    "NewSession",
    "Operation",
    "OperationProblem",
    "OperationState",
    "Pack",
    "PackState",
    "Person",
    "Photo",
    "Proposal",
    "ProposalState",
    "Quality",
    "QueryContent",
    "QueryOrigin",
    "QueryVerdict",
    "ReferenceImage",
    "Reliability",
    "ReliabilityBin",
    "Scope",
    "ServerInfo",
    "Session",
    "Snapshot",
    "StageTraffic",
    "Storage",
    "StorageKind",
    "StoragePart",
    "StreamAnswer",
    "Timings",
    "Traffic",
    "TrafficInterval",
    "UndoneChange",
    "Unset",
    "UpkeepActivity",
    "UpkeepInfo",
    "Upload",
    "Usage",
    "Verdict",
    "View",
    "ViewCollection",
    "ViewGroup",
    "ViewMatch",
]
