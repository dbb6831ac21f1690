"""Which scope each method asks for, and which methods change something: one row a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from steeple.errors import InternalError
from steeple.server.access import Scope


@dataclass(frozen=True)
class Rule:
    """What a method asks for.

    Attributes:
        scope: The least that may call it.
        identifies: Whether its answers count as identifications.
        changes: Path in the request, or in the first one of a stream, of the name of what it changes; None: it changes
            nothing.
        flags: Of a request that sets one of these fields, the least that may call it.
        public: Whether it may also be called without a key or session, where these are asked for.
        within: A field, a collection and a scope: of a request whose field names something of the collection, the least
            that may call it, instead of ``scope``.
    """

    scope: Scope
    identifies: bool = False
    changes: str | None = None
    flags: Mapping[str, Scope] = field(default_factory=dict)
    public: bool = False
    within: tuple[str, str, Scope] | None = None

    @property
    def failures(self) -> bool:
        """Whether failed attempts to change something are in the audit log as well.

        Not where a device or a reader may call it, or one whose key was stolen could fill the database.
        """
        return self.scope > Scope.READER

    def scope_for(self, request: object) -> Scope:
        """The least that may call it with that request."""
        least = self.scope
        if self.within is not None:
            name, collection, scope = self.within
            if f"{getattr(request, name, '')}/".startswith(f"{collection}/"):
                least = scope
        asked = [scope for flag, scope in self.flags.items() if getattr(request, flag, False)]
        return max([least, *asked])


def _rows() -> dict[str, Rule]:
    rows: dict[str, Rule] = {}

    def service(name: str, **methods: Rule) -> None:
        rows.update({f"steeple.v1.{name}/{method}": rule for method, rule in methods.items()})

    device, reader, admin = Rule(Scope.DEVICE), Rule(Scope.READER), Rule(Scope.ADMIN)
    service(
        "VisualSearchService",
        Identify=Rule(Scope.DEVICE, identifies=True),
        IdentifyStream=Rule(Scope.DEVICE, identifies=True),
        GetModel=device,
        ListModels=device,
    )
    service(
        "CatalogService",
        CreateLandmark=Rule(Scope.EDITOR, changes=""),
        GetLandmark=reader,
        GetCoverage=reader,
        ListLandmarks=reader,
        UpdateLandmark=Rule(Scope.EDITOR, changes="landmark.name"),
        DeleteLandmark=Rule(Scope.EDITOR, changes="name"),
        CreateReferenceImage=Rule(Scope.EDITOR, changes="parent"),
        GetReferenceImage=reader,
        ListReferenceImages=reader,
        UpdateReferenceImage=Rule(Scope.EDITOR, changes="reference_image.name"),
        DeleteReferenceImage=Rule(Scope.EDITOR, changes="name"),
        UndeleteLandmark=Rule(Scope.EDITOR, changes="name"),
        UndeleteReferenceImage=Rule(Scope.EDITOR, changes="name"),
        UndoChange=Rule(Scope.EDITOR, changes="name"),
        BatchCreateLandmarks=Rule(Scope.EDITOR, changes=""),
        BatchDeleteReferenceImages=Rule(Scope.EDITOR, changes="names"),
        BatchUpdateLandmarks=Rule(Scope.EDITOR, changes="names"),
        BatchDeleteLandmarks=Rule(Scope.EDITOR, changes="names"),
        ListLandmarkClusters=reader,
        GetReferenceImageThumbnail=reader,
        DownloadReferenceImage=Rule(Scope.READER, flags={"original": Scope.EDITOR}),
    )
    service(
        "ServerService",
        GetServerInfo=reader,
        GetUsage=reader,
        GetTraffic=reader,
        GetStorage=reader,
        GetCalibration=reader,
    )
    service("ExplainService", ExplainIdentify=reader)
    service(
        "KeyService",
        CreateKey=Rule(Scope.ADMIN, changes=""),
        GetKey=admin,
        ListKeys=admin,
        UpdateKey=Rule(Scope.ADMIN, changes="key.name"),
        RevokeKey=Rule(Scope.ADMIN, changes="name"),
        RotateKey=Rule(Scope.ADMIN, changes="name"),
    )
    # Who may do what to whom, beyond that, is asked in api/people.py: people keep their own passwords and sessions.
    service(
        "PersonService",
        SignIn=Rule(Scope.DEVICE, changes="", public=True),
        SignInWithIdToken=Rule(Scope.DEVICE, changes="", public=True),
        SignOut=Rule(Scope.READER, changes=""),
        GetMe=Rule(Scope.DEVICE, public=True),
        CreatePerson=Rule(Scope.ADMIN, changes=""),
        GetPerson=admin,
        ListPeople=admin,
        UpdatePerson=Rule(Scope.ADMIN, changes="person.name"),
        DeletePerson=Rule(Scope.ADMIN, changes="name"),
        SetPassword=Rule(Scope.READER, changes="name"),
        ListSessions=reader,
        RevokeSession=Rule(Scope.READER, changes="name"),
    )
    service(
        "OperationService",
        GetOperation=reader,
        ListOperations=reader,
        ListOperationProblems=reader,
        CancelOperation=Rule(Scope.EDITOR, changes="name"),
        ResumeOperation=Rule(Scope.EDITOR, changes="name"),
        DeleteOperation=Rule(Scope.EDITOR, changes="name"),
        DownloadOperationFile=Rule(Scope.EDITOR),  # archives hold photos as they were uploaded
    )
    service(
        "UploadService",
        CreateUpload=Rule(Scope.EDITOR, changes=""),
        WriteUpload=Rule(Scope.EDITOR, changes="name"),
        GetUpload=reader,
        ListUploads=reader,
        DeleteUpload=Rule(Scope.EDITOR, changes="name"),
    )
    service("ImportService", ImportReferenceImages=Rule(Scope.EDITOR, changes=""))
    service(
        "TransferService",
        ExportCatalogue=Rule(Scope.EDITOR, changes=""),
        ImportCatalogue=Rule(Scope.EDITOR, changes="upload"),
    )
    service(
        "SnapshotService",
        CreateSnapshot=Rule(Scope.ADMIN, changes=""),
        GetSnapshot=admin,
        ListSnapshots=admin,
        DeleteSnapshot=Rule(Scope.ADMIN, changes="name"),
        VerifySnapshot=Rule(Scope.ADMIN, changes="name"),
    )
    service(
        "ModelService",
        UpgradeModel=Rule(Scope.ADMIN, changes="release"),
        RetireModel=Rule(Scope.ADMIN, changes="name"),
    )
    service(
        "DiscoveryService",
        StartDiscovery=Rule(Scope.EDITOR, changes=""),
        ListDiscoveries=reader,
        GetDiscovery=reader,
        DeleteDiscovery=Rule(Scope.EDITOR, changes="name"),
        ListProposals=reader,
        GetProposal=reader,
        ListLeftovers=reader,
        DownloadProposalPhoto=reader,
        AcceptProposal=Rule(Scope.EDITOR, changes="name"),
        MergeProposals=Rule(Scope.EDITOR, changes="names"),
        SplitProposal=Rule(Scope.EDITOR, changes="name"),
        DiscardProposal=Rule(Scope.EDITOR, changes="name"),
        RestoreProposal=Rule(Scope.EDITOR, changes="name"),
    )
    # Apps show what packs there are and fetch them; what is in one, whoever may fetch it may see.
    service(
        "PackService",
        CreatePack=Rule(Scope.EDITOR, changes=""),
        RefreshPack=Rule(Scope.EDITOR, changes="name"),
        ExportPack=Rule(Scope.EDITOR, changes=""),
        GetPack=device,
        ListPacks=device,
        DownloadPack=device,
        DeletePack=Rule(Scope.EDITOR, changes="name"),
    )
    # Who changes landmarks may see what became of them, and put it back; who made keys is for administrators.
    service("AuditService", ListAuditEvents=Rule(Scope.ADMIN, within=("resource", "landmarks", Scope.EDITOR)))
    # Whose a view is, the store asks.
    service(
        "ViewService",
        CreateView=Rule(Scope.READER, changes=""),
        ListViews=Rule(Scope.READER, flags={"show_all": Scope.ADMIN}),
        UpdateView=Rule(Scope.READER, changes="view.name"),
        DeleteView=Rule(Scope.READER, changes="name"),
    )
    service(
        "FeedbackService",
        SendFeedback=Rule(Scope.DEVICE, changes=""),
        ProposePhoto=Rule(Scope.DEVICE, changes=""),
    )
    # People's photos: who only reads the catalogue has no need to see them. What is erased does not come back.
    service(
        "ReviewService",
        ListKeptQueries=Rule(Scope.EDITOR),
        GetKeptQuery=Rule(Scope.EDITOR),
        DownloadKeptQuery=Rule(Scope.EDITOR),
        GetKeptQueryThumbnail=Rule(Scope.EDITOR),
        ReviewQuery=Rule(Scope.EDITOR, changes="name"),
        PromoteQuery=Rule(Scope.EDITOR, changes="name"),
        EraseQueries=Rule(Scope.ADMIN, changes="names"),
        GroupKeptQueries=Rule(Scope.EDITOR),
    )
    return rows


RULES: Final[Mapping[str, Rule]] = MappingProxyType(_rows())
"""By ``steeple.v1.{service}/{method}``."""


def rule_of(method: str) -> Rule:
    """The rule of a method.

    Raises:
        InternalError: If it has none: what nobody has thought about is closed.
    """
    rule = RULES.get(method)
    if rule is None:
        raise InternalError(f"{method} has no row in steeple.server.api.policy")
    return rule
