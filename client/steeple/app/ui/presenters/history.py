"""What the list of past answers shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from steeple.app.history import History, HistoryEntry
from steeple.app.ui.language import Translator
from steeple.app.ui.presenters import words
from steeple.delf.image import read_image

PAGE = 20
"""Entries that are shown at a time."""


@dataclass(frozen=True, eq=False)
class HistoryRowModel:
    """An entry of the list.

    Attributes:
        entry: Its number.
        title: What was found.
        detail: How sure that is, and when it was.
        photo: uint8[H, W, 3], RGB; None without one.
        outline: float32[P, 2], pixels of ``photo``; None for none.
    """

    entry: int
    title: str
    detail: str
    photo: NDArray[np.uint8] | None
    outline: NDArray[np.float32] | None


def load(
    history: History, tr: Translator, *, text: str = "", before: int | None = None, now: datetime
) -> tuple[HistoryRowModel, ...]:
    """Entries, the newest first; one more than :data:`PAGE` if there are more. Reads the disk.

    Args:
        history: Where they are.
        tr: The person's language.
        text: Words that they hold; empty for all.
        before: Number of the entry that they follow; None for the newest.
        now: With a time zone.
    """
    return tuple(_row(entry, tr, now) for entry in history.list(text, limit=PAGE + 1, before=before))


def _row(entry: HistoryEntry, tr: Translator, now: datetime) -> HistoryRowModel:
    answer, when = entry.answer, words.time_words(entry.time, now, tr)
    photo = read_image(entry.thumbnail) if entry.thumbnail else None
    if answer.landmark is None:
        return HistoryRowModel(entry.id or 0, tr("Unknown"), when, photo, None)
    best = answer.candidates[0]
    outline = None
    if photo is not None and len(best.outline):
        factor = photo.shape[1] / max(1, answer.width)
        outline = ((best.outline + 0.5) * factor - 0.5).astype(np.float32)
    sure = words.confidence_words(best.confidence, tr)
    return HistoryRowModel(entry.id or 0, answer.landmark.display_name, f"{sure} · {when}", photo, outline)
