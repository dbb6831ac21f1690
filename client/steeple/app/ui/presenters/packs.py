"""What the list of offline packs shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steeple.app.pack_shelf import OfferedPack, ShelfState, ShelvedPack
from steeple.app.ui.language import Translator
from steeple.app.ui.presenters import words


@dataclass(frozen=True)
class PackModel:
    """A pack of the list.

    Attributes:
        pack: Its id.
        title: What it is called.
        detail: How large it is, and of how many landmarks.
        problem: Why it cannot be used; empty if it can.
        action: Icon of what can be done: ``download``, ``delete``; empty for nothing.
        label: What that is.
        here: Whether it is on this device.
    """

    pack: str
    title: str
    detail: str
    problem: str
    action: str
    label: str
    here: bool


def present(here: Sequence[ShelvedPack], offered: Sequence[OfferedPack], tr: Translator) -> tuple[PackModel, ...]:
    """The packs on this device, then those that the server offers besides; what is outdated is offered again."""
    known = {offer.pack.id: offer for offer in offered}
    rows = [_shelved(pack, known.get(pack.id), tr) for pack in here]
    there = {pack.id for pack in here}
    return (*rows, *(_offered(offer, tr) for offer in offered if offer.pack.id not in there))


def _shelved(pack: ShelvedPack, offer: OfferedPack | None, tr: Translator) -> PackModel:
    outdated = offer is not None and offer.state is ShelfState.OUTDATED
    detail = _detail(pack.landmark_count, pack.size_bytes, tr)
    detail += " · " + (tr("a newer one is there") if outdated else tr("on this device"))
    action = ("download", tr("Update {name}", name=pack.display_name))
    if not outdated:
        action = ("delete", tr("Delete {name}", name=pack.display_name))
    problem = tr("It was made for another version of the app; delete it.") if pack.problem else ""
    return PackModel(pack.id, pack.display_name, detail, problem, *action, here=True)


def _offered(offer: OfferedPack, tr: Translator) -> PackModel:
    detail = _detail(offer.pack.landmark_count, offer.pack.size_bytes, tr)
    if offer.state is ShelfState.UNUSABLE:
        problem = tr("It is for another version of the app.")
        return PackModel(offer.pack.id, offer.pack.display_name, detail, problem, "", "", here=False)
    if offer.state is ShelfState.PARTIAL:
        got = words.bytes_words(offer.received_bytes)
        detail += " · " + tr("{size} are here already", size=got)
    return PackModel(
        offer.pack.id,
        offer.pack.display_name,
        detail,
        "",
        "download",
        tr("Download {name}", name=offer.pack.display_name),
        here=False,
    )


def _detail(landmarks: int, size: int, tr: Translator) -> str:
    return tr.count("{n} landmark", "{n} landmarks", landmarks) + " · " + words.bytes_words(size)
