"""Discoveries in text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from steeple.cli.output import Cell, Column, Output, describe_time

if TYPE_CHECKING:
    from steeple.client import Discovery, DiscoveryPhoto, Proposal

_STYLES: Final = {"proposed": "cyan", "accepted": "green", "discarded": "dim"}


def print_discovery(output: Output, found: Discovery) -> None:
    """A discovery in one line, and what to do next."""
    output.say(
        f"{found.name}: {found.photo_count} photos, {found.proposal_count} proposals "
        f"({found.open_proposal_count} open), {found.leftover_count} photos left over",
        "bold",
    )
    if found.open_proposal_count:
        output.note(f"see them: steeple discover picture {found.id} -o proposals.jpg")
        output.note(f'name one: steeple discover accept {found.id} PROPOSAL --name "..."')


def print_proposals(output: Output, proposals: Sequence[Proposal]) -> None:
    """A table of proposals."""
    output.table(
        (
            Column("proposal", "right"),
            Column("photos", "right"),
            Column("views", "right"),
            Column("cohesion", "right"),
            Column("where"),
            Column("state"),
            Column("suggestion"),
        ),
        [
            (
                proposal.id,
                str(proposal.photo_count),
                str(proposal.view_count),
                f"{proposal.cohesion:.2f}",
                _where(proposal),
                Cell(proposal.state.value, _STYLES.get(proposal.state.value, "")),
                _suggestion(proposal),
            )
            for proposal in proposals
        ],
    )


def print_proposal(output: Output, proposal: Proposal) -> None:
    """A proposal with its photos."""
    output.facts(
        [
            ("proposal", proposal.name),
            ("state", proposal.state.value),
            ("photos", str(proposal.photo_count)),
            ("views", str(proposal.view_count)),
            ("cohesion", f"{proposal.cohesion:.2f}"),
            ("where", _where(proposal)),
            ("landmark", _suggestion(proposal)),
            *(
                ("nearby", f"{near.display_name} ({near.landmark}), {near.distance_meters:.0f} m")
                for near in proposal.nearby_landmarks
            ),
            ("representative", proposal.representative),
            ("updated", describe_time(proposal.update_time)),
        ]
    )
    print_photos(output, proposal.photos)


def print_photos(output: Output, photos: Sequence[DiscoveryPhoto]) -> None:
    """A table of photos."""
    output.table(
        (
            Column("photo", "right"),
            Column("file"),
            Column("pixels", "right"),
            Column("grade", "right"),
            Column("view", "right"),
            Column("taken at"),
            Column("taken"),
            Column("shows"),
            Column("became"),
        ),
        [
            (
                photo.id,
                photo.item,
                f"{photo.width}x{photo.height}",
                str(photo.grade),
                str(photo.view or ""),
                ""
                if photo.capture_location is None
                else f"{photo.capture_location.latitude:.5f},{photo.capture_location.longitude:.5f}",
                photo.capture_time,
                photo.landmark or ("" if photo.reason is None else Cell(photo.reason.value, "yellow")),
                photo.reference_image,
            )
            for photo in photos
        ],
    )


def _where(proposal: Proposal) -> str:
    place = proposal.location
    return "" if place is None else f"{place.latitude:.5f},{place.longitude:.5f} ±{proposal.extent_meters:.0f} m"


def _suggestion(proposal: Proposal) -> str:
    if proposal.landmark:
        verb = "is" if proposal.state.value == "accepted" else "add to"
        return f"{verb} {proposal.landmark_display_name or proposal.landmark} ({proposal.landmark})"
    if proposal.nearby_landmarks:
        near = proposal.nearby_landmarks[0]
        return f"near {near.display_name}, {near.distance_meters:.0f} m"
    return ""
