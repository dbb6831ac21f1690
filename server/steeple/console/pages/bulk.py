"""Many landmarks at once: what was chosen of the grid is changed, or deleted, and that can be undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from steeple.console.batch_undo import batch_of, latest_batch, undo
from steeple.console.catalogue_query import CatalogueQuery
from steeple.console.landmark_form import labels_of
from steeple.console.pages.catalogue import BulkForm, show
from steeple.console.rendering import ending
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.errors import InvalidArgumentError

PAGES: Final = Pages()


@PAGES.post("/landmarks/bulk")
async def change(visit: Visit) -> Response:
    """Changes all that are chosen alike."""
    form, query, token = _sent(visit)
    wanted: dict[str, Any] = {
        "add_labels": labels_of(form.add_labels),
        "remove_labels": labels_of(form.remove_labels),
        "remove_metadata": [key.strip() for key in form.remove_metadata.split(",") if key.strip()],
        "set_metadata": {form.metadata_key: form.metadata_value} if form.metadata_key else {},
        "active": {"yes": True, "no": False}.get(form.active),
    }
    given = {name: value for name, value in wanted.items() if value not in ([], {}, None)}
    problem = ""
    if not form.chosen:
        problem = "Choose landmarks first: tick the box on their photos."
    elif form.metadata_value and not form.metadata_key:
        problem = f"“{form.metadata_value[:40]}” has no key: say what it is."
    elif not given:
        problem = "Say what is to be changed: labels, whether they are active, or metadata."
    if not problem:
        chosen = sorted(form.chosen)
        try:
            updated = await visit.client.batch_update_landmarks(chosen, **given)
        except InvalidArgumentError as error:
            problem = f"{error.message[:1].upper()}{error.message[1:]}."
        else:
            batch = await latest_batch(visit.client, "BatchUpdateLandmarks", updated[0]) if updated else None
            return visit.go(query.path(page=token, undo=batch or ""), _told(len(updated), len(chosen)))
    return await show(visit, query, token, replace(form, problem=problem))


@PAGES.post("/landmarks/bulk/delete")
async def delete(visit: Visit) -> Response:
    """Deletes all that are chosen, with their photos."""
    form, query, token = _sent(visit)
    if not form.chosen:
        problem = "Choose landmarks first: tick the box on their photos."
        return await show(visit, query, token, replace(form, problem=problem))
    chosen = sorted(form.chosen)
    await visit.client.batch_delete_landmarks(chosen, force=True)
    batch = await latest_batch(visit.client, "BatchDeleteLandmarks", f"landmarks/{chosen[0]}")
    gone = ending(len(chosen), "landmark")
    return visit.go(query.path(page=token, undo=batch or ""), f"Deleted {gone} with all photos.")


@PAGES.post("/landmarks/bulk/undo")
async def put_back(visit: Visit) -> Response:
    """Undoes what was done to many at once."""
    query = CatalogueQuery.of_text(visit.text("query"))
    batch = await batch_of(visit.client, visit.me, visit.text("batch"))
    if batch is None:
        raise InvalidArgumentError("there is nothing of that to undo; the history of each landmark has its changes")
    undone = await undo(visit.client, batch)
    note = f"Undone: {ending(undone.count, 'landmark')} as before."
    if undone.left:
        note += f" {undone.left} left as they are: {undone.refused[0]}"
    return visit.go(query.path(page=visit.text("page")), note)


def _sent(visit: Visit) -> tuple[BulkForm, CatalogueQuery, str]:
    form = BulkForm(
        chosen=frozenset(text for text in visit.texts("chosen") if text),
        **{
            name: visit.text(name)
            for name in (
                "add_labels",
                "remove_labels",
                "active",
                "metadata_key",
                "metadata_value",
                "remove_metadata",
            )
        },
    )
    return form, CatalogueQuery.of_text(visit.text("query")), visit.text("page")


def _told(updated: int, chosen: int) -> str:
    same = chosen - updated
    if not updated:
        return "Nothing was changed: all of them were so already."
    words = f"Changed {ending(updated, 'landmark')}."
    return f"{words} {same} {'was' if same == 1 else 'were'} so already." if same else words
