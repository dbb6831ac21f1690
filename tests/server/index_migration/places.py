"""Where the indexes of a test are, and what commands about them print."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from steeple.cli.main import main
from steeple.delf.features import FeatureSet
from steeple.delf.release import DEFAULT_RELEASE
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft
from steeple.server.catalogue.index_identity import identity_of
from steeple.server.index_engines import milvus_engine
from steeple.server.settings import Settings
from steeple.server.shared_index.milvus import MilvusEngine
from steeple.server.shared_index.states import SharedState, SharedStates

MakeFeatures = Callable[..., FeatureSet]


@dataclass(frozen=True)
class Place:
    """Where the indexes of a test are.

    Attributes:
        uri: Of Milvus.
        config: Settings: a prefix of this test's own.
        data: The server's folder.
    """

    uri: str
    config: Path
    data: Path

    @property
    def engine(self) -> MilvusEngine:
        """Milvus, of this catalogue."""
        with self.catalogue() as catalogue:
            return milvus_engine(self.settings(milvus_uri=self.uri), identity_of(catalogue.database))

    def settings(self, **more: object) -> Settings:
        return Settings.load(self.config, data_dir=self.data, **more)

    def catalogue(self) -> Catalogue:
        return Catalogue.open(self.settings().catalogue_url)

    def state(self) -> SharedState:
        with self.catalogue() as catalogue:
            return SharedStates(catalogue.database, DEFAULT_RELEASE).read()

    def arguments(self, command: str, *more: object) -> list[str]:
        given = ["index", command, "--config", self.config, "--data-dir", self.data, "--milvus-uri", self.uri, *more]
        return [str(arg) for arg in given]


def fill(place: Place, make: MakeFeatures, images: int, count: int = 200) -> None:
    with place.catalogue() as catalogue:
        catalogue.create_landmark(LandmarkDraft("a", labels=["old"]), landmark_id="a")
        for number in range(images):
            catalogue.create_image("a", ImageDraft(make(number, count=count)), image_id=f"i{number}")


def printed(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 0) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)
