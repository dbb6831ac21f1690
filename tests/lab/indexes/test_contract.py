"""What every search promises, whatever it does inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
import pytest

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.indexes import GLOBAL_SEARCHES, LOCAL_SEARCHES
from steeple.lab.protocols import GlobalSearch, LocalSearch
from steeple.lab.rankings import Ranking
from tests.lab.indexes.clustered import DIMENSIONS, as_bits, features, photos, seen_again

# Small enough for photos of 40 features; what is not here has its defaults.
CELLS: dict[str, Any] = {"lists": 8, "probes": 4, "bytes": 8}
FEW: dict[str, Any] = {"neighbours": 3}
LOCAL: dict[str, dict[str, Any]] = {
    "exact": FEW,
    "pq": CELLS | FEW,
    "opq": CELLS | FEW,
    "kd-cells": CELLS | FEW,
    "hnsw-cells": CELLS | FEW,
    "binary-cells": {"lists": 8, "probes": 4} | FEW,
    "multi-probe-lsh": {"key_bits": 10} | FEW,
    "lsh": {"key_bits": 10} | FEW,
    "spherical-hashing": {"bits": 64, "tables": 6, "key_bits": 8} | FEW,
    "bow": {"words": 64},
    "vlad": {"words": 8, "dimensions": 12},
    "asmk": {"words": 64},
}
GLOBAL: dict[str, dict[str, Any]] = {
    "exact": {},
    "pq": CELLS,
    "opq": CELLS,
    "kd-cells": CELLS,
    "hnsw-cells": CELLS,
    "lsh": {},
    "spherical-hashing": {"bits": 64},
}
FOR_BITS = ("binary-cells", "multi-probe-lsh")
PHOTOS = 16
TRAINING = photos(16, seed=100)
GALLERY = photos(PHOTOS, seed=1)
EMPTY = features(np.empty((0, DIMENSIONS), np.float32))
# Bytes of an image of 40 descriptors of 32 numbers, or 16 bytes of bits; what depends on the data has a range.
LOCAL_BYTES: dict[str, tuple[float, float]] = {
    "exact": (40 * 128 + 8, 40 * 128 + 8),
    "pq": (40 * 16 + 8, 40 * 16 + 8),
    "opq": (40 * 16 + 8, 40 * 16 + 8),
    "kd-cells": (40 * 16 + 8, 40 * 16 + 8),
    "hnsw-cells": (40 * 16 + 8, 40 * 16 + 8),
    "binary-cells": (40 * 24 + 8, 40 * 24 + 8),
    "multi-probe-lsh": (40 * (16 + 8 * 8) + 8, 40 * (16 + 8 * 40) + 8),  # as many buckets as ids, at most
    "lsh": (40 * (16 + 8 * 8) + 8, 40 * (16 + 8 * 40) + 8),
    "spherical-hashing": (40 * (8 + 2 + 6 * 8) + 8, 40 * (8 + 2 + 6 * 40) + 8),
    "bow": (20 * 8, 40 * 8),  # half to all descriptors have words of their own
    "vlad": (4 * 12, 4 * 12),
    "asmk": (20 * (8 + 4) + 4, 40 * (8 + 4) + 4),
}
GLOBAL_BYTES = {"exact": 128, "pq": 16, "opq": 16, "kd-cells": 16, "hnsw-cells": 16, "lsh": 32, "spherical-hashing": 10}


def photo(name: str, rows: Any) -> LocalFeatures:
    return features(as_bits(rows) if name in FOR_BITS else rows)


def local(name: str, gallery: list[LocalFeatures] | None = None, **parameters: Any) -> LocalSearch:
    search = LOCAL_SEARCHES[name].make(**{**LOCAL[name], **parameters})
    search.fit([photo(name, rows) for rows in TRAINING])
    search.add([photo(name, rows) for rows in GALLERY] if gallery is None else gallery)
    return search


def vectors(name: str) -> GlobalSearch:
    search = GLOBAL_SEARCHES[name].make(**GLOBAL[name])
    search.fit(np.concatenate(TRAINING))
    search.add(np.concatenate(GALLERY))
    return search


@pytest.fixture(scope="module")
def local_searches() -> dict[str, LocalSearch]:
    """Each of them, filled; searching changes none."""
    return {name: local(name) for name in LOCAL}


@pytest.fixture(scope="module")
def global_searches() -> dict[str, GlobalSearch]:
    return {name: vectors(name) for name in GLOBAL}


def orderly(ranking: Ranking, total: int) -> None:
    assert ranking.keys.dtype == np.int64
    assert ranking.scores.dtype == np.float32
    assert len(set(ranking.keys.tolist())) == len(ranking.keys) == len(ranking.scores)
    assert ((ranking.keys >= 0) & (ranking.keys < total)).all()
    assert (np.diff(ranking.scores) <= 0).all()
    assert np.isfinite(ranking.scores).all()


def test_all_kinds_are_tested() -> None:
    assert set(LOCAL) == set(LOCAL_SEARCHES) == set(LOCAL_BYTES)
    assert set(GLOBAL) == set(GLOBAL_SEARCHES) == set(GLOBAL_BYTES)


@pytest.mark.parametrize("kind", [*LOCAL_SEARCHES.values(), *GLOBAL_SEARCHES.values()], ids=lambda kind: kind.title)
def test_kinds_are_described_and_have_defaults(kind: Any) -> None:
    assert kind.title
    assert kind.choices.endswith(".")
    kind.make()


@pytest.mark.parametrize("name", LOCAL)
def test_a_copy_of_a_photo_finds_it(local_searches: dict[str, LocalSearch], name: str) -> None:
    for key, rows in enumerate(GALLERY):
        ranking = local_searches[name].search(photo(name, rows), PHOTOS)
        orderly(ranking, PHOTOS)
        assert ranking.keys[0] == key
        assert ranking.scores[0] > ranking.scores[1]


@pytest.mark.parametrize("name", LOCAL)
def test_a_scene_is_found_from_another_photo(local_searches: dict[str, LocalSearch], name: str) -> None:
    found = [
        local_searches[name].search(photo(name, seen_again(rows, seed=key)), 1).keys.tolist() == [key]
        for key, rows in enumerate(GALLERY)
    ]
    assert sum(found) >= (PHOTOS - 5 if name == "vlad" else PHOTOS)  # 12 dimensions and no votes


@pytest.mark.parametrize("name", GLOBAL)
def test_a_copy_of_a_vector_finds_it(global_searches: dict[str, GlobalSearch], name: str) -> None:
    gallery = np.concatenate(GALLERY)
    first = 0
    for key in range(0, len(gallery), 16):
        ranking = global_searches[name].search(gallery[key], 30)
        orderly(ranking, len(gallery))
        first += int(ranking.keys[0] == key)
    assert first == len(range(0, len(gallery), 16))


@pytest.mark.parametrize("name", LOCAL)
def test_a_query_without_features_finds_nothing(local_searches: dict[str, LocalSearch], name: str) -> None:
    assert len(local_searches[name].search(EMPTY, 5)) == 0


@pytest.mark.parametrize("name", LOCAL)
def test_photos_without_features_are_not_found_and_do_no_harm(name: str) -> None:
    gallery = [photo(name, rows) for rows in GALLERY]
    search = local(name, [EMPTY, *gallery[:3], EMPTY, *gallery[3:], EMPTY])
    for key in (0, 3, PHOTOS - 1):
        ranking = search.search(gallery[key], PHOTOS + 3)
        orderly(ranking, PHOTOS + 3)
        assert ranking.keys[0] == key + (1 if key < 3 else 2)
        assert not set(ranking.keys.tolist()) & {0, 4, PHOTOS + 2}


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("gallery", [[], [EMPTY, EMPTY]], ids=["no photos", "no features"])
def test_in_an_empty_gallery_nothing_is_found(name: str, gallery: list[LocalFeatures]) -> None:
    search = local(name, gallery)
    assert len(search.search(photo(name, GALLERY[0]), 5)) == 0
    assert search.bytes_an_image <= 8


@pytest.mark.parametrize("name", GLOBAL)
def test_in_an_empty_gallery_no_vector_is_found(name: str) -> None:
    search = GLOBAL_SEARCHES[name].make(**GLOBAL[name])
    search.fit(np.concatenate(TRAINING))
    search.add(np.empty((0, DIMENSIONS), np.float32))
    assert len(search.search(GALLERY[0][0], 5)) == 0
    assert search.bytes_an_image == 0


@pytest.mark.parametrize("name", LOCAL)
def test_the_limit_keeps_the_best(local_searches: dict[str, LocalSearch], name: str) -> None:
    query = photo(name, seen_again(GALLERY[5], seed=9))
    everything, some = (local_searches[name].search(query, limit) for limit in (PHOTOS, 3))
    assert some.keys.tolist() == everything.keys[:3].tolist()
    assert some.scores.tolist() == everything.scores[:3].tolist()


@pytest.mark.parametrize("name", LOCAL)
def test_two_builds_agree_whatever_the_threads(local_searches: dict[str, LocalSearch], name: str) -> None:
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1 if threads > 1 else 2)
    try:
        again = local(name)
    finally:
        faiss.omp_set_num_threads(threads)
    for key in range(0, PHOTOS, 5):
        query = photo(name, seen_again(GALLERY[key], seed=key))
        one, other = local_searches[name].search(query, PHOTOS), again.search(query, PHOTOS)
        assert one.keys.tolist() == other.keys.tolist()
        assert one.scores.tolist() == other.scores.tolist()


@pytest.mark.parametrize("name", LOCAL)
def test_bytes_are_what_is_kept(local_searches: dict[str, LocalSearch], name: str) -> None:
    least, most = LOCAL_BYTES[name]
    assert least <= local_searches[name].bytes_an_image <= most


@pytest.mark.parametrize("name", GLOBAL)
def test_bytes_of_vectors_are_what_is_kept(global_searches: dict[str, GlobalSearch], name: str) -> None:
    assert global_searches[name].bytes_an_image == GLOBAL_BYTES[name]


@pytest.mark.parametrize("name", [name for name in LOCAL if name != "exact"])
def test_descriptors_of_the_other_kind_are_refused(name: str) -> None:
    search = LOCAL_SEARCHES[name].make(**LOCAL[name])
    wrong = [features(rows if name in FOR_BITS else as_bits(rows)) for rows in TRAINING]
    step = search.add if name in ("lsh", "multi-probe-lsh") else search.fit  # two of them fit nothing
    with pytest.raises(InvalidArgumentError, match=r"bits.*take 'exact'"):
        step(wrong)


@pytest.mark.parametrize("name", LOCAL)
def test_what_does_not_fit_the_gallery_is_refused(local_searches: dict[str, LocalSearch], name: str) -> None:
    good = photo(name, GALLERY[0])
    narrow = features(good.descriptors[:, :-1])
    with pytest.raises(InvalidArgumentError, match="those before were"):
        local_searches[name].search(narrow, 5)
    with pytest.raises(InvalidArgumentError, match="limit"):
        local_searches[name].search(good, 0)
    with pytest.raises(InvalidArgumentError, match=r"float64\[40"):
        local_searches[name].search(features(good.descriptors.astype(np.float64)), 5)  # type: ignore[arg-type]
    with pytest.raises(FailedPreconditionError, match="added already"):
        local_searches[name].add([good])
    if name not in FOR_BITS:
        broken = GALLERY[0].copy()
        broken[3, 4] = np.nan
        with pytest.raises(InvalidArgumentError, match="not finite"):
            local_searches[name].search(features(broken), 5)


@pytest.mark.parametrize("name", GLOBAL)
def test_vectors_that_do_not_fit_are_refused(global_searches: dict[str, GlobalSearch], name: str) -> None:
    search = global_searches[name]
    with pytest.raises(InvalidArgumentError, match="those before were"):
        search.search(GALLERY[0][0, :-1], 5)
    with pytest.raises(InvalidArgumentError, match="limit"):
        search.search(GALLERY[0][0], 0)
    with pytest.raises(InvalidArgumentError, match="one vector"):
        search.search(GALLERY[0], 5)
    with pytest.raises(InvalidArgumentError, match="float32"):
        search.search(np.zeros(DIMENSIONS, np.uint8), 5)
    with pytest.raises(FailedPreconditionError, match="added already"):
        search.add(GALLERY[0])


@pytest.mark.parametrize("table", [LOCAL_SEARCHES, GLOBAL_SEARCHES], ids=["local", "global"])
def test_steps_out_of_order_are_refused(table: Any) -> None:
    for name, kind in table.items():
        query = GALLERY[0][0] if table is GLOBAL_SEARCHES else photo(name, GALLERY[0])
        gallery = GALLERY[0] if table is GLOBAL_SEARCHES else [query]
        with pytest.raises(FailedPreconditionError, match="add the gallery first"):
            kind.make().search(query, 5)
        search = kind.make()
        if name in ("exact", "lsh", "multi-probe-lsh"):
            search.add(gallery)  # nothing is fitted
        else:
            with pytest.raises(FailedPreconditionError, match="fitted first"):
                search.add(gallery)


@pytest.mark.parametrize("name", ["pq", "opq", "kd-cells", "hnsw-cells", "binary-cells", "bow", "vlad", "asmk"])
def test_too_little_to_be_fitted_on_is_told(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"takes at least \d+ .* not \d+; give more training photos"):
        LOCAL_SEARCHES[name].make().fit([photo(name, TRAINING[0])])


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (LOCAL_SEARCHES["exact"].make, {"neighbours": 0}),
        (LOCAL_SEARCHES["pq"].make, {"lists": 0}),
        (LOCAL_SEARCHES["opq"].make, {"probes": 1.5}),
        (LOCAL_SEARCHES["kd-cells"].make, {"slack": -1.0}),
        (LOCAL_SEARCHES["kd-cells"].make, {"slack": float("nan")}),
        (LOCAL_SEARCHES["hnsw-cells"].make, {"links": 1}),
        (LOCAL_SEARCHES["multi-probe-lsh"].make, {"tables": 0}),
        (LOCAL_SEARCHES["lsh"].make, {"bits": 100}),
        (LOCAL_SEARCHES["lsh"].make, {"bits": 64, "tables": 8, "key_bits": 16}),
        (LOCAL_SEARCHES["spherical-hashing"].make, {"flips": True}),
        (LOCAL_SEARCHES["bow"].make, {"words": "many"}),
        (LOCAL_SEARCHES["vlad"].make, {"search": "fastest"}),
        (LOCAL_SEARCHES["vlad"].make, {"search": "pq", "parameters": {"codes": 8}}),
        (LOCAL_SEARCHES["asmk"].make, {"alpha": "3"}),
        (LOCAL_SEARCHES["asmk"].make, {"tau": -0.5}),
        (GLOBAL_SEARCHES["lsh"].make, {"seed": -1}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make: Callable[..., object], parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError):
        make(**parameters)


def test_codes_must_divide_dimensions() -> None:
    with pytest.raises(InvalidArgumentError, match="7 bytes do not divide 32 dimensions; 1, 2, 4, 8, 16, 32 do"):
        GLOBAL_SEARCHES["pq"].make(bytes=7).fit(np.concatenate(TRAINING))


def test_vlad_is_searched_as_it_is_told() -> None:
    ranking = local("vlad", search="lsh", parameters={"bits": 512}).search(features(GALLERY[6]), 4)
    assert ranking.keys[0] == 6
    assert ranking.scores[0] == 1.0
    assert local("vlad", search="lsh", parameters={"bits": 512}).bytes_an_image == 64
