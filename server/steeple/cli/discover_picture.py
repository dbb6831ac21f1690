"""Proposals as pictures: a row of photos each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from steeple.cli.canvas import (
    AMBER,
    BACKGROUND,
    GREEN,
    OVERSAMPLING,
    QUIET,
    TEXT,
    VIOLET,
    Box,
    Image,
    averaged_down,
    banner,
    show,
    write,
)
from steeple.cli.output import Output
from steeple.delf import read_image

if TYPE_CHECKING:
    from steeple.client import Client, DiscoveryPhoto, Proposal

MOST: Final = 60
"""Proposals on one sheet; smaller ones are left out, and the title says how many."""

_MOST_PHOTOS: Final = 120  # of one proposal
_COLUMNS: Final = 6
_PANEL: Final = 240  # pixels a side
_MARGIN: Final = 10
_CAPTION: Final = 24
_HEADER: Final = 84
_WIDTH: Final = _MARGIN + _COLUMNS * (_PANEL + _MARGIN)


def draw_proposals(client: Client, names: Sequence[str], output: Output) -> Image:
    """A sheet of proposals: of each, the representative and the best photos of other views.

    Args:
        client: Of the server that has them.
        names: Of the proposals, in order.
        output: For a progress bar.

    Returns:
        uint8[H, 1510, 3].
    """
    shown = names[:MOST]
    rows = []
    with output.progress("drawing", len(shown)) as done:
        for name in shown:
            proposal = client.get_proposal(name)
            rows.append(_row(client, proposal, _first(proposal), _heading(proposal)))
            done.advance(name)
    title = f"{len(names)} proposals"
    if len(shown) < len(names):
        title += f"; the {len(shown)} largest are shown"
    return _sheet(title, rows)


def draw_proposal(client: Client, proposal: Proposal, output: Output) -> Image:
    """A sheet of the photos of one proposal, each with its number; the best of each view first."""
    photos = proposal.photos[:_MOST_PHOTOS]
    starts = range(0, len(photos), _COLUMNS)
    rows = []
    with output.progress("drawing", len(starts)) as done:
        for start in starts:
            rows.append(_row(client, proposal, photos[start : start + _COLUMNS], ""))
            done.advance("")
    return _sheet(_heading(proposal), rows)


def _sheet(title: str, rows: Sequence[Image]) -> Image:
    return np.concatenate([banner(title, _WIDTH, _HEADER), *rows])


def _first(proposal: Proposal) -> list[DiscoveryPhoto]:
    """The representative, then the best of other views."""
    representative = [photo for photo in proposal.photos if photo.name == proposal.representative]
    views = {photo.view for photo in representative}
    others = []
    for photo in proposal.photos:
        if photo.view not in views:
            views.add(photo.view)
            others.append(photo)
    return (representative + others)[:_COLUMNS]


def _row(client: Client, proposal: Proposal, photos: Sequence[DiscoveryPhoto], heading: str) -> Image:
    unit = OVERSAMPLING
    above = 40 if heading else 0
    height = above + _PANEL + _CAPTION + _MARGIN
    canvas = np.full((height * unit, _WIDTH * unit, 3), BACKGROUND, np.uint8)
    if heading:
        colour = VIOLET if proposal.landmark else TEXT
        write(canvas, heading, (_MARGIN * unit, 27 * unit), 15 * unit, colour, room=(_WIDTH - 2 * _MARGIN) * unit)
    for place, photo in enumerate(photos):
        panel = Box((_MARGIN + place * (_PANEL + _MARGIN)) * unit, above * unit, _PANEL * unit, _PANEL * unit)
        show(canvas, panel, read_image(client.download_proposal_photo(photo, thumbnail=True).data))
        colour = GREEN if photo.name == proposal.representative else AMBER if photo.landmark else QUIET
        below = (panel.x, panel.y + panel.height + 17 * unit)
        write(canvas, f"{photo.id}: view {photo.view}, {photo.item}", below, 11 * unit, colour, room=panel.width)
    return averaged_down(canvas)


def _heading(proposal: Proposal) -> str:
    parts = [
        f"{proposal.id}.",
        f"{proposal.photo_count} photos, {proposal.view_count} views, cohesion {proposal.cohesion:.2f}",
    ]
    if proposal.landmark:
        parts.append(f"- add to {proposal.landmark_display_name or proposal.landmark}?")
    elif proposal.nearby_landmarks:
        near = proposal.nearby_landmarks[0]
        parts.append(f"- near {near.display_name}, {math.ceil(near.distance_meters)} m")
    return " ".join(parts)
