"""Collections in Milvus that no catalogue needs any more: listed, and deleted on purpose."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from steeple.cli.main import main
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.server.catalogue import Catalogue
from steeple.server.catalogue.index_identity import identity_of
from steeple.server.index.milvus import MilvusConnection, schema
from steeple.server.index.milvus.collections import Collections
from steeple.server.settings import Settings
from steeple.server.shared_index.milvus import MilvusEngine
from steeple.server.shared_index.states import SharedState, SharedStates
from tests.engines.ports import free_port

from .places import MakeFeatures, Place, fill, printed

pytestmark = pytest.mark.engines

RELEASE = ModelRelease.load(DEFAULT_RELEASE)


def left(place: Place, identity: str) -> str:
    """Makes a collection of a catalogue that nobody has any more, which has descriptors of one image; its name."""
    prefix = place.settings().milvus_prefix
    with closing(MilvusEngine(place.uri, SecretStr(""), prefix=prefix, identity=identity, kind="IVF_PQ")) as engine:
        generations = engine.generations(RELEASE)
        generations.make(1, 0)
        generations.serve(1)
    return f"{prefix}_{identity}_delf_lite2_v1_1"


def others(place: Place, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    told = printed(capsys, place.arguments("status"))
    assert told["other_collections_problem"] == ""
    return {one["name"]: one for one in told["other_collections"]}


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int) -> str:
    capsys.readouterr()
    assert main(arguments) == code
    return capsys.readouterr().err


def test_what_is_left_behind_is_listed_and_deleted_on_purpose(
    place: Place, make_features: MakeFeatures, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(place, make_features, 2)
    assert main(place.arguments("migrate", "--to", "milvus")) == 0
    names = [left(place, identity) for identity in ("0123456789ab", "ba9876543210")]
    listed = others(place, capsys)
    assert list(listed) == names
    first = listed[names[0]]
    assert (first["model"], first["rows"]) == (DEFAULT_RELEASE, 0)
    assert first["aliases"] == [names[0].removesuffix("_1")]
    assert main(place.arguments("status")) == 0
    assert names[1] in capsys.readouterr().out

    missing = f"{place.settings().milvus_prefix}_none"
    said = refused(capsys, place.arguments("drop", names[0], missing, "--yes"), 4)
    assert f"Milvus has no collection {missing}" in said
    said = refused(capsys, place.arguments("drop", names[0].removesuffix("_1"), "--yes"), 4)
    assert f"is an alias of the collection {names[0]}" in said
    assert "say --yes" in refused(capsys, place.arguments("drop", names[0]), 2)
    assert list(others(place, capsys)) == names

    assert printed(capsys, place.arguments("drop", names[0], "--yes")) == {"dropped": [names[0]]}
    assert list(others(place, capsys)) == names[1:]
    by_engine = {one["engine"]: one for one in printed(capsys, place.arguments("status"))["indexes"]}
    assert (by_engine["milvus"]["images"], by_engine["milvus"]["problem"]) == (2, "")


def test_who_is_asked_may_think_better_of_it(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, asked = left(place, "0123456789ab"), list[str]()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer in (False, True):

        def confirm(text: str, *, err: bool, answer: bool = answer) -> bool:
            asked.append(text)
            return answer

        monkeypatch.setattr("typer.confirm", confirm)
        capsys.readouterr()
        assert main(place.arguments("drop", name)) == (0 if answer else 1)
        shown = capsys.readouterr()
        assert name in shown.out, "what would be deleted is shown"
        assert ("nothing was deleted" in shown.err) is not answer
        assert (name in others(place, capsys)) is not answer
    assert len(asked) == 2


def test_what_serves_this_catalogue_is_kept_unless_that_is_meant(
    place: Place, make_features: MakeFeatures, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(place, make_features, 2)
    assert main(place.arguments("migrate", "--to", "milvus")) == 0
    with closing(place.engine) as engine:
        engine.generations(RELEASE).make(2, 0)
    with place.catalogue() as catalogue:
        alias = f"{place.settings().milvus_prefix}_{identity_of(catalogue.database)}_delf_lite2_v1"
        with SharedStates(catalogue.database, DEFAULT_RELEASE).locked() as held:
            held.state = replace(held.state, building=2, building_size=7)
    own, half_made = f"{alias}_1", f"{alias}_2"
    for name in (own, half_made):
        assert "is the index of this catalogue" in refused(capsys, place.arguments("drop", name, "--yes"), 6)
    assert others(place, capsys) == {}
    assert printed(capsys, place.arguments("drop", own, half_made, "--yes", "--serving"))["dropped"] == [own, half_made]
    assert place.state() == SharedState()
    with closing(place.engine) as engine:
        assert engine.generations(RELEASE).numbers() == []
        assert engine.generations(RELEASE).serving() == 0
    assert main(place.arguments("migrate", "--to", "milvus")) == 0


@pytest.mark.parametrize("description", ["photos of cats", '{"model": "cats"}', "[]"])
def test_what_steeple_has_not_made_is_left_alone(
    place: Place, capsys: pytest.CaptureFixture[str], description: str
) -> None:
    name = f"{place.settings().milvus_prefix}_cats"
    with closing(MilvusConnection(place.uri)) as connection:
        described = schema.collection_schema(name, description).SerializeToString()
        request = connection.contract.milvus.CreateCollectionRequest(
            collection_name=name, schema=described, shards_num=1, num_partitions=1
        )
        connection.call("CreateCollection", request, "create a collection", timeout=60.0)
        try:
            assert others(place, capsys) == {}
            said = refused(capsys, place.arguments("drop", name, "--yes"), 6)
            assert f"the collection {name} is not one of Steeple's" in said
            assert name in Collections(connection).names()
        finally:
            Collections(connection).drop(name)


def test_a_milvus_that_is_away_is_not_taken_for_a_server_of_steeples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Catalogue.open(Settings.load(data_dir=tmp_path).catalogue_url).close()
    away = f"http://127.0.0.1:{free_port()}"
    arguments = ["index", "drop", "steeple_x_1", "--yes", "--data-dir", str(tmp_path), "--milvus-uri", away]
    told = refused(capsys, arguments, 11)
    assert "Milvus at 127.0.0.1" in told
    assert "steeple serve" not in told
