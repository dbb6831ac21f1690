"""Proposals of a discovery as pages show them: their photos, and how these match."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from steeple.client import AsyncClient, Discovery, DiscoveryPhoto, Landmark, LeftoverReason, Proposal, ProposalState
from steeple.console.rendering import ending
from steeple.errors import InvalidArgumentError

CARD_PHOTOS: Final = 8
"""Photos of a proposal that a list shows; its own page shows all."""

_NODES: Final = 14
_SIZE: Final = 420.0
_REASONS: Final[Mapping[LeftoverReason, str]] = {
    LeftoverReason.NO_MATCH: "Matches no other photo.",
    LeftoverReason.WEAK_MATCH: "What it matches, it may match by chance.",
    LeftoverReason.FEW_VIEWS: "Too few other views match it.",
}


@dataclass(frozen=True)
class ShownPhoto:
    """A photo of a proposal.

    Attributes:
        photo: The photo.
        partners: Others of its proposal that it matches.
        strongest: Most features that agree with one of them.
        best: Whether it is the best of its view, which is taken where none are chosen.
    """

    photo: DiscoveryPhoto
    partners: int
    strongest: int
    best: bool

    @property
    def words(self) -> str:
        """How it matches the others."""
        return ending(self.partners, "match", "matches") if self.partners else "no match"


@dataclass(frozen=True)
class Node:
    """A photo in the drawing."""

    photo: DiscoveryPhoto
    x: float
    y: float


@dataclass(frozen=True)
class Edge:
    """Two photos that match; the more features agree, the wider."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    near_duplicate: bool
    inliers: int


@dataclass(frozen=True)
class Drawing:
    """Which photos match which, as a ring.

    Attributes:
        size: Width and height of it.
        radius: Of a photo.
        nodes: At most fourteen photos.
        edges: Between them.
    """

    size: float
    radius: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Shown:
    """A proposal.

    Attributes:
        proposal: The proposal.
        photos: Those that are shown.
        more: How many others there are.
    """

    proposal: Proposal
    photos: tuple[ShownPhoto, ...]
    more: int

    @property
    def number(self) -> str:
        """Within its discovery."""
        return self.proposal.id

    @property
    def open(self) -> bool:
        """Whether something can still become of it."""
        return self.proposal.state is ProposalState.PROPOSED


def shown(proposal: Proposal, most: int | None = None) -> Shown:
    """A proposal with its photos and how each of them matches.

    Args:
        proposal: As ``get_proposal`` returns it.
        most: Photos shown, at most; None: all.
    """
    partners: dict[str, int] = {}
    strongest: dict[str, int] = {}
    for pair in proposal.pairs:
        for name in (pair.first, pair.second):
            partners[name] = partners.get(name, 0) + 1
            strongest[name] = max(strongest.get(name, 0), pair.inliers)
    seen: set[int] = set()
    photos = []
    for photo in proposal.photos:
        best = photo.view not in seen
        seen.add(photo.view)
        photos.append(ShownPhoto(photo, partners.get(photo.name, 0), strongest.get(photo.name, 0), best))
    kept = photos if most is None else photos[:most]
    return Shown(proposal, tuple(kept), len(photos) - len(kept))


def drawing(proposal: Proposal) -> Drawing:
    """Which of its photos match which, the best of each view first."""
    photos = proposal.photos[:_NODES]
    middle, radius = _SIZE / 2, min(60.0, 0.66 * _SIZE / max(len(photos), 1))
    ring = middle - radius - 6
    nodes = []
    for index, photo in enumerate(photos):
        angle = 2 * math.pi * index / max(len(photos), 1) - math.pi / 2
        nodes.append(Node(photo, round(middle + ring * math.cos(angle), 1), round(middle + ring * math.sin(angle), 1)))
    at = {node.photo.name: node for node in nodes}
    edges = [
        Edge(a.x, a.y, b.x, b.y, round(min(10.0, 1 + pair.inliers**0.5 / 2), 1), pair.near_duplicate, pair.inliers)
        for pair in proposal.pairs
        if (a := at.get(pair.first)) is not None and (b := at.get(pair.second)) is not None
    ]
    edges.sort(key=lambda edge: edge.width)
    return Drawing(_SIZE, round(radius, 1), tuple(nodes), tuple(edges))


def cohesion(proposal: Proposal) -> str:
    """How well its photos belong together, in words."""
    for least, words in ((0.8, "belong together"), (0.5, "mostly belong together"), (0.25, "may belong together")):
        if proposal.cohesion >= least:
            return words
    return "hardly belong together"


def reason(photo: DiscoveryPhoto) -> str:
    """Why a photo is in no proposal."""
    return _REASONS.get(photo.reason, "") if photo.reason is not None else ""


def source(discovery: Discovery) -> str:
    """Where its photos came from."""
    if discovery.source.startswith("uploads/"):
        return "an upload"
    return "the server's import folder" if discovery.source in ("", ".") else f"the server's folder {discovery.source}"


async def decide(client: AsyncClient, proposal: str, do: str, *, name: str, photos: list[str]) -> tuple[str, str]:
    """Does with a proposal what somebody decided.

    Args:
        client: Of whoever decided.
        proposal: Its name.
        do: ``accept`` as a new landmark, ``into:landmarks/ID``, ``split``, ``discard`` or ``restore``.
        name: Of a new landmark.
        photos: That were chosen.

    Returns:
        What was done, in words, and the landmark that it became part of, if it did.

    Raises:
        InvalidArgumentError: If something is missing; ``field`` says what.
    """
    number = proposal.rpartition("/")[2]
    if do == "accept":
        if not name:
            raise InvalidArgumentError("Give the landmark a name.", field="name")
        accepted = await client.accept_proposal(proposal, Landmark("", name), photos=photos)
    elif do.startswith("into:"):
        accepted = await client.accept_proposal(proposal, do.removeprefix("into:"), photos=photos)
    elif do == "split":
        if not photos:
            raise InvalidArgumentError("Choose the photos that are of something else.", field="photos")
        rest, taken = await client.split_proposal(proposal, photos)
        return f"{ending(taken.photo_count, 'photo')} of proposal {rest.id} became proposal {taken.id}.", ""
    elif do == "discard":
        await client.discard_proposal(proposal)
        return f"Proposal {number} was discarded. It can be restored.", ""
    elif do == "restore":
        await client.restore_proposal(proposal)
        return f"Proposal {number} is proposed again.", ""
    else:
        raise InvalidArgumentError(f"there is nothing called {do[:40]!r} to do with a proposal", field="do")
    count = len(accepted.reference_images)
    added = f"{ending(count, 'photo')} {'was' if count == 1 else 'were'} added"
    return f"“{accepted.landmark.display_name}”: {added}, and can be found now.", accepted.landmark.name
