from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from steeple.app import proposals as module
from steeple.app.data import AppData
from steeple.app.proposals import ProposalKind
from steeple.app.secrets import FileSecrets
from steeple.client import Client, QueryOrigin, QueryVerdict
from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError, ResourceExhaustedError
from tests.client.proxy import cutting
from tests.scenes import encoded, scene

from .known import GATE, features_of
from .serving import Served, serving

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def seoul(tmp_path: Path) -> Iterator[Served]:
    """A server without landmarks."""
    with serving(tmp_path / "seoul") as served:
        yield served


def test_what_was_said_offline_reaches_the_server_once(
    seoul: Served, data: AppData, features: Mapping[int, FeatureSet]
) -> None:
    server = seoul.address
    photo = encoded(scene(5))
    data.proposals.photo(server, photo, " Old gate ", note="Seen from the south.", location=GATE, time=NOON)
    data.proposals.feedback(server, features[1], QueryVerdict.WRONG, shown="landmarks/hall", name="Gate", time=NOON)
    data.proposals.feedback(server, features[2], QueryVerdict.NOT_LANDMARK, photo=photo)
    seoul.stop()
    with Client(server, max_attempts=1) as client:
        assert list(data.proposals.send(client, server)) == []
        first, second, third = data.proposals.list()
        assert [item.kind for item in (first, second, third)] == [
            ProposalKind.PHOTO,
            ProposalKind.FEEDBACK,
            ProposalKind.FEEDBACK,
        ]
        assert (first.name, first.size_bytes, first.time, first.has_photo) == ("Old gate", len(photo), NOON, True)
        assert (second.has_photo, second.problem, second.attempts) == (False, None, 0)
        seoul.start()
        client.wait_until_ready()
        sent = list(data.proposals.send(client, server))
        assert [item.id for item in sent] == [first.id, second.id, third.id]
        assert [item.problem for item in sent] == [None] * 3
        assert data.proposals.count() == 0
        kept = sorted(client.list_kept_queries(), key=lambda query: query.name)
    proposal, wrong, nothing = kept
    assert proposal.origin is QueryOrigin.PROPOSAL
    assert proposal.feedback is not None
    assert (proposal.feedback.suggested_name, proposal.feedback.note) == ("Old gate", "Seen from the south.")
    assert proposal.feedback.location is not None
    assert proposal.feedback.location.latitude == pytest.approx(GATE.latitude)
    assert wrong.feedback is not None
    assert (wrong.feedback.verdict, wrong.feedback.shown_landmark) == (QueryVerdict.WRONG, "landmarks/hall")
    assert wrong.content.value == "features"  # the photo stayed here
    assert wrong.feedback.location is None
    assert nothing.content.value == "photo"


def test_what_is_sent_again_counts_once(seoul: Served, tmp_path: Path) -> None:
    folder = tmp_path / "app"

    def opened() -> AppData:
        return AppData.open(folder, secrets=FileSecrets(folder / "secrets.json"))

    with opened() as data:
        data.proposals.photo(seoul.address, encoded(scene(5)), "Old gate")
    before = (folder / "app.db").read_bytes()
    with Client(seoul.address) as client:
        with opened() as data:
            assert len(list(data.proposals.send(client, seoul.address))) == 1
        # As if the app had been killed before it could note that the server has it.
        (folder / "app.db").write_bytes(before)
        with opened() as data:
            assert len(list(data.proposals.send(client, seoul.address))) == 1
            assert data.proposals.count() == 0
        assert len(list(client.list_kept_queries())) == 1


def test_a_network_that_breaks_at_any_byte_loses_nothing_and_doubles_nothing(seoul: Served, data: AppData) -> None:
    photo = encoded(scene(5))
    cuts = [0, 100, 5_000, len(photo) // 2, *range(len(photo) + 200, len(photo) + 1800, 400)]
    with cutting(seoul.port, cuts) as proxy:
        server = f"localhost:{proxy.port}"
        data.proposals.photo(server, photo, "Old gate")
        sent: list[object] = []
        while not sent:
            with Client(server, max_attempts=1, channel_options=[("grpc.use_local_subchannel_pool", 1)]) as client:
                sent = list(data.proposals.send(client, server))
                assert data.proposals.count() == (0 if sent else 1)
        assert 5 <= proxy.connections <= len(cuts) + 1
    with Client(seoul.address) as client:
        assert len(list(client.list_kept_queries())) == 1


def test_what_the_server_refuses_says_why_and_holds_up_nothing(seoul: Served, data: AppData) -> None:
    data.proposals.photo(seoul.address, b"no photo at all", "Old gate")
    data.proposals.photo(seoul.address, encoded(scene(5)), "New gate")
    with Client(seoul.address) as client:
        refused, taken = data.proposals.send(client, seoul.address)
        assert taken.problem is None
        assert refused.problem is not None
        (left,) = data.proposals.list()
        assert (left.name, left.problem, left.attempts) == ("Old gate", refused.problem, 1)
        assert list(data.proposals.send(client, seoul.address)) == []
        (again,) = data.proposals.send(client, seoul.address, again=True)
        assert again.attempts == 2


def test_a_server_that_takes_no_feedback_says_so(tmp_path: Path, data: AppData) -> None:
    with serving(tmp_path / "mute", feedback="off") as served, Client(served.address) as client:
        data.proposals.photo(served.address, encoded(scene(5)), "Old gate")
        (refused,) = data.proposals.send(client, served.address)
        assert refused.problem is not None
        assert data.proposals.count() == 1


def test_each_goes_to_the_server_that_it_is_for(seoul: Served, data: AppData) -> None:
    data.proposals.photo("elsewhere.example.org:50051", encoded(scene(5)), "Old gate")
    with Client(seoul.address) as client:
        assert list(data.proposals.send(client, seoul.address)) == []
        assert list(client.list_kept_queries()) == []
    assert data.proposals.list()[0].server == "elsewhere.example.org:50051"


def test_closing_the_client_refuses_nothing(seoul: Served, data: AppData) -> None:
    data.proposals.photo(seoul.address, encoded(scene(5)), "Old gate")
    client = Client(seoul.address)
    client.close()
    assert list(data.proposals.send(client, seoul.address)) == []
    assert data.proposals.list()[0].problem is None


def test_one_thread_sends_at_a_time(seoul: Served, data: AppData) -> None:
    for number in range(2):
        data.proposals.photo(seoul.address, encoded(scene(number)), f"Gate {number}")
    with Client(seoul.address) as client:
        sending = data.proposals.send(client, seoul.address)
        next(sending)
        others: list[object] = []
        thread = threading.Thread(target=lambda: others.extend(data.proposals.send(client, seoul.address)))
        thread.start()
        thread.join()
        assert others == []
        assert len(list(sending)) == 1


def test_what_cannot_be_sent_is_not_taken(data: AppData, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidArgumentError, match="say what"):
        data.proposals.photo("h:1", b"photo", "  ")
    with pytest.raises(InvalidArgumentError, match="take or choose"):
        data.proposals.photo("h:1", b"", "Gate")
    with pytest.raises(InvalidArgumentError, match="at most 200"):
        data.proposals.photo("h:1", b"photo", "G" * 201)
    with pytest.raises(InvalidArgumentError, match="at most 2000"):
        data.proposals.photo("h:1", b"photo", "Gate", note="n" * 2001)
    with pytest.raises(InvalidArgumentError, match="LANDMARK"):
        data.proposals.feedback("h:1", features_of(5), QueryVerdict.LANDMARK)
    with pytest.raises(InvalidArgumentError, match="LANDMARK"):
        data.proposals.feedback("h:1", features_of(5), QueryVerdict.WRONG, landmark="landmarks/gate")
    with pytest.raises(InvalidArgumentError, match="whether"):
        data.proposals.feedback("h:1", features_of(5), QueryVerdict.NONE)
    monkeypatch.setattr(module, "MOST", 1)
    data.proposals.photo("h:1", b"photo", "Gate")
    with pytest.raises(ResourceExhaustedError, match="delete some"):
        data.proposals.photo("h:1", b"photo", "Gate")
    data.proposals.clear()
    assert data.proposals.count() == 0
