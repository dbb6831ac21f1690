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
from steeple.client.access import AuditEvent, Key, KeyLimits, MonthlyUsage, NewKey, Scope
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
from steeple.client.listing import ListPage
from steeple.client.operations import Operation, OperationProblem, OperationState
from steeple.client.packs import Pack, PackState
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

__all__ = [
    "UNSET",
    "AcceptedProposal",
    "Answer",
    "AnswerStream",
    "AsyncAnswerStream",
    "AsyncClient",
    "AsyncListing",
    "AuditEvent",
    "Candidate",
    "Client",
    "Discovery",
    "DiscoveryPhoto",
    "Duplicate",
    "DuplicateKind",
    "Evidence",
    "ExplainedImage",
    "Explanation",
    "Feedback",
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
    "LandmarkUsage",
    "LatLng",
    "LeftoverReason",
    "ListPage",
    "Listing",
    "MatchedPair",
    "Model",
    "MonthlyUsage",
    "NearbyLandmark",
    "NewKey",
    "Operation",
    "OperationProblem",
    "OperationState",
    "Pack",
    "PackState",
    "Photo",
    "Proposal",
    "ProposalState",
    "Quality",
    "QueryContent",
    "QueryOrigin",
    "QueryVerdict",
    "ReferenceImage",
    "Scope",
    "ServerInfo",
    "Snapshot",
    "StreamAnswer",
    "Timings",
    "Unset",
    "UpkeepActivity",
    "UpkeepInfo",
    "Upload",
    "Usage",
    "Verdict",
]
