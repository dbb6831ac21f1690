"""Object storage that does not answer for a while: callers are told, nothing is half done, all goes on afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from steeple.errors import UnavailableError
from steeple.server.catalogue import Catalogue
from steeple.server.files import SharedFiles
from steeple.server.object_storage import Patience
from steeple.server.review.files import QueryFiles
from steeple.server.uploads import Uploads
from tests.engines.object_store import ObjectStore

pytestmark = pytest.mark.engines

DATA = np.random.default_rng(1).bytes(5000)
HASTY = Patience(connect_seconds=0.5, read_seconds=0.5, attempts=1, total_seconds=1.0)


@pytest.fixture
def own_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """An S3 server of this test alone, which it may stop."""
    store = ObjectStore()
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    store.start()
    try:
        yield store
    finally:
        store.stop()


def test_an_outage_leaves_nothing_half_done(tmp_path: Path, own_store: ObjectStore) -> None:
    own_store.make_bucket("steeple")
    shared = SharedFiles("s3://steeple", tmp_path)
    hasty = SharedFiles("s3://steeple", tmp_path, HASTY)
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db") as catalogue:
        uploads, during = (
            Uploads(catalogue.database, files.of("uploads"), tmp_path / "copies", 1 << 40) for files in (shared, hasty)
        )
        queries, queries_during = QueryFiles(shared.of("queries")), QueryFiles(hasty.of("queries"))
        begun, whole = uploads.create("a.zip", len(DATA)), uploads.create("b.zip", 5)
        for upload, size in ((begun, 1000), (whole, 5)):
            writer = uploads.begin(upload.id)
            writer.write(0, DATA[:size])
            writer.end()
        queries.write("query", b"1234")

        own_store.pause()
        writer = during.begin(begun.id)
        writer.write(1000, DATA[1000:])

        def looked_into() -> None:
            with during.local(whole.id):
                pass

        calls: list[Callable[[], object]] = [
            writer.end,
            looked_into,
            lambda: during.delete(whole.id),
            lambda: queries_during.write("other", b"1"),
            lambda: queries_during.read("query", 4),
            lambda: queries_during.delete(["query"]),
        ]
        for call in calls:
            with pytest.raises(UnavailableError):
                call()
        assert during.get(begun.id).committed_bytes == 1000
        assert {upload.id for upload in during.list().items} == {begun.id, whole.id}
        assert list((tmp_path / "copies").iterdir()) == []
        own_store.pause(False)

        writer = uploads.begin(begun.id)
        writer.write(1000, DATA[1000:])
        assert writer.end().complete
        with uploads.local(begun.id) as path:
            assert path.read_bytes() == DATA
        queries.delete(["query"])
        assert not queries.has("query")
        uploads.delete(begun.id)
        with uploads.local(whole.id) as path:
            assert path.read_bytes() == DATA[:5]


def test_a_storage_that_is_away_and_comes_back(tmp_path: Path, own_store: ObjectStore) -> None:
    queries = QueryFiles(SharedFiles("s3://steeple", tmp_path, HASTY).of("queries"))
    own_store.stop()
    with pytest.raises(UnavailableError):
        queries.write("query", b"1234")
    own_store.start()
    own_store.make_bucket("steeple")
    queries.write("query", b"1234")
    assert queries.read("query", 4) == b"1234"
