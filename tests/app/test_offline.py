"""A person on the way, with a real server that goes and comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from steeple.app.connection import connect
from steeple.app.data import AppData
from steeple.app.found import Origin
from steeple.app.searcher import Searcher
from steeple.app.secrets import FileSecrets
from steeple.delf.features import FeatureSet
from steeple.errors import UnavailableError

from .known import STRANGER
from .serving import Served
from .test_searcher import Changes

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_what_was_asked_offline_is_answered_when_the_server_is_back(
    berlin: Served, tmp_path: Path, features: Mapping[int, FeatureSet]
) -> None:
    def opened() -> AppData:
        return AppData.open(tmp_path / "app", secrets=FileSecrets(tmp_path / "secrets.json"))

    with opened() as data:
        data.settings.change(server=berlin.address, tls=False, max_bytes=49152)
        berlin.stop()
        try:
            with Searcher(data.settings.current, connect(data.settings.current, data.keys), data.packs) as searcher:
                for seed in (1, STRANGER):
                    with pytest.raises(UnavailableError):
                        searcher.identify(features[seed])
                    data.waiting.add(features[seed], time=NOON, thumbnail=bytes([seed]))
                assert list(data.waiting.answer(searcher)) == []
        finally:
            berlin.start()
    # The app was closed meanwhile.
    with opened() as data:
        assert data.waiting.count() == 2
        with Searcher(data.settings.current, connect(data.settings.current, data.keys), data.packs) as searcher:
            gate, unknown = data.waiting.answer(searcher)
        assert data.waiting.count() == 0
        assert (gate.answer.identified, gate.origin, gate.time, gate.thumbnail) == (True, Origin.SERVER, NOON, b"\x01")
        assert gate.answer.best is not None
        assert gate.answer.best.thumbnail[:2] == b"\xff\xd8"
        assert (unknown.answer.identified, unknown.thumbnail) == (False, bytes([STRANGER]))
        (found,) = data.history.list("gate")
        assert found.id == gate.id
        assert found.answer.to_dict() == gate.answer.to_dict()


def test_a_live_view_goes_on_while_the_server_is_away(
    berlin: Served, data: AppData, packs: Path, features: Mapping[int, FeatureSet]
) -> None:
    data.packs.add(packs / "gate-50.pack")
    settings = data.settings.change(server=berlin.address, tls=False)
    changes, showing = Changes(), True

    def camera() -> Iterator[FeatureSet]:
        while showing:
            yield features[1]

    with Searcher(settings, connect(settings, data.keys), data.packs, on_online=changes) as searcher:
        origins: list[Origin] = []
        for found in searcher.stream(camera()):
            assert found.answer.landmark is not None
            assert found.answer.landmark.id == "gate"
            if not origins or origins[-1] is not found.origin:
                origins.append(found.origin)
                if len(origins) == 1:
                    berlin.stop()
                elif len(origins) == 2:
                    berlin.start()
                else:
                    showing = False
    assert origins == [Origin.SERVER, Origin.PACK, Origin.SERVER]
    assert changes.told == [False, True]
