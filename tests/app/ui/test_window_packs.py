"""Offline packs and proposals, in the real app with a real server."""

from __future__ import annotations

import pytest

from steeple.app.found import Origin
from steeple.app.states import State
from steeple.client import Client, LatLng

from . import townscape
from .conftest import Open, Served
from .test_window import connected, live_of, until_found

pytestmark = pytest.mark.filterwarnings("ignore:::kivy")


def test_a_pack_is_fetched_in_the_app_and_answers_without_the_server(open_app: Open, served: Served) -> None:
    with Client(served.address) as client:
        client.wait_operation(client.create_pack("springfield", display_name="Springfield"))
    driver = open_app(**connected(served))
    driver.app.go("packs")
    rows = driver.screen.ids.rows
    driver.until(lambda: any(getattr(row, "title", "") == "Springfield" for row in rows.children), "the offer")
    (row,) = rows.children
    assert row.detail.startswith("1 landmark · ")
    driver.screen.act("springfield", row.action)
    driver.until(lambda: "on this device" in getattr(rows.children[0], "detail", ""), "the pack")
    assert rows.children[0].action == "delete"
    driver.app.go_home()
    until_found(driver)
    served.stop()
    try:
        live = live_of(driver)
        driver.until(
            lambda: live.view is not None and live.view.state is State.CERTAIN and live.view.origin is Origin.PACK,
            "the pack to answer",
        )
        assert live.title == "Springfield Minster"
        assert live.detail.endswith("offline")
        driver.tap(live.ids.card)
        result = driver.app.screens.get_screen("result")
        driver.until(lambda: driver.screen is result and result.looked.entry is not None, "the sheet")
        assert "Springfield" in result.facts
        assert result.ids.matches.reference is not None
    finally:
        served.start()


def test_a_photo_is_proposed_and_reaches_the_server(open_app: Open, served: Served) -> None:
    from datetime import UTC, datetime

    from steeple.app.ui.services import Looked

    driver = open_app(camera=False, **connected(served))
    taken = Looked(townscape.view(5)[0], None, datetime.now(UTC), location=LatLng(51.5, -0.12))
    driver.app.propose(taken)
    driver.steps()
    form = driver.screen
    assert form.name == "propose"
    form.send()
    assert form.problem == "A name is needed, as people call it."
    form.ids.name.put("Springfield Minster")
    driver.tap(form.ids.send)
    proposals = driver.app.services.data.proposals
    driver.until(lambda: driver.screen.name == "permission" and proposals.count() == 0, "the proposal to be sent")
    with Client(served.address) as client:
        told = [query.feedback for query in client.list_kept_queries() if query.feedback is not None]
    assert [feedback.suggested_name for feedback in told] == ["Springfield Minster"]
    assert [feedback.location for feedback in told] == [None], "it is told only by who turns that on"
    driver.app.propose(taken)
    driver.steps()
    assert form.ids.name.text == ""
    form.ids.name.put("The Minster")
    driver.tap(form.ids.place)
    driver.tap(form.ids.send)
    driver.until(lambda: driver.screen.name == "permission" and proposals.count() == 0, "the proposal to be sent")
    with Client(served.address) as client:
        told = [query.feedback for query in client.list_kept_queries() if query.feedback is not None]
    places = {feedback.suggested_name: feedback.location for feedback in told}
    assert places == {"Springfield Minster": None, "The Minster": LatLng(51.5, -0.12)}


def test_a_wrong_answer_can_be_told(open_app: Open, served: Served) -> None:
    driver = open_app(**connected(served))
    driver.app.look(townscape.view(7)[0])
    result = driver.app.screens.get_screen("result")
    driver.until(lambda: driver.screen is result and result.kind == "found", "the sheet")
    result.share()
    from kivy.core.clipboard import Clipboard

    assert Clipboard.paste().startswith("Springfield Minster, recognised with Steeple\ngeo:51.5")
    driver.tap(result.ids.wrong)
    driver.until(lambda: result.thanks, "thanks")
    assert result.ids.telling.parent is None
    driver.until(lambda: driver.app.services.data.proposals.count() == 0, "the server to be told")
