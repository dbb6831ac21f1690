"""Finished runs that never ran: the three files as an experiment writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.scenes import scene

LANDMARKS = ("arch", "bridge", "castle", "dome")
QUERIES = 60
SYSTEMS = (
    ("gem", "GeM <b>pooled</b>", "global", 0.55, 2_048.0, 60.0),
    ("rmac", "R-MAC", "global", 0.5, 2_049.0, 75.0),
    ("sift", "RootSIFT, exact", "local", 0.6, 150_000.0, 300.0),
    ("delf-pq", "DELF, product quantisation", "indexing", 0.72, 24_000.0, 180.0),
    ("delf-verified", "DELF, exact, verified", "after", 0.8, 90_000.0, 260.0),
    ("steeple", "Steeple", "product", 0.85, 30_000.0, 150.0),
)


def write_run(folder: Path, *, photos: bool = True, **changes: Any) -> Path:
    """Results of systems that answer some of the queries rightly; with the photos that they are of."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset = folder / "photos"
    gallery = [(f"{name}/{number}.jpg", name) for name in LANDMARKS for number in range(2)] + [("filler/0.jpg", "")]
    asked = [(f"queries/{number}.jpg", LANDMARKS[number % 4] if number % 6 else "") for number in range(QUERIES)]
    if photos:
        for number, (key, _) in enumerate(gallery + asked[:20]):
            path = dataset / key
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), scene(number, 320 if number % 3 else 200, 240)[..., ::-1])
    pq.write_table(
        pa.table({
            "key": [key for key, _ in gallery],
            "landmark": [name for _, name in gallery],
            "path": [str(dataset / key) for key, _ in gallery],
        }),
        folder / "gallery.parquet",
    )  # fmt: skip
    tables = [
        _answers(name, share, dataset, gallery, asked, milliseconds) for name, _, _, share, _, milliseconds in SYSTEMS
    ]
    pq.write_table(pa.concat_tables(tables), folder / "results.parquet")
    document = {
        "format": 1,
        "experiment": {"name": "Landmarks <at night>", "dataset": str(dataset), "photo_size": 800},
        "dataset": {
            "name": "night", "benchmark": "recognition", "gallery": len(gallery), "landmarks": 4, "fillers": 1,
            "queries": 50, "distractors": 10, "training": 600, "digest": "0f" * 32,
        },
        "primary": "micro_ap",
        "confidence": "Confidences are fitted.",
        "versions": {"python": "3.11", "cpus": 2, "numpy": "2.0"},
        "systems": [*(_facts(*each) for each in SYSTEMS), _failed()],
        **changes,
    }  # fmt: skip
    (folder / "results.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def _answers(
    name: str,
    share: float,
    dataset: Path,
    gallery: list[tuple[str, str]],
    asked: list[tuple[str, str]],
    milliseconds: float,
) -> pa.Table:
    random = np.random.default_rng(len(name))
    rows: dict[str, list[Any]] = {}
    for number, (key, landmark) in enumerate(asked):
        known = bool(landmark)
        right = known and bool(random.random() < share)
        options = [place for place, (_, shown) in enumerate(gallery) if (shown == landmark) == right or not known]
        first = int(random.choice(options))
        score = float(random.normal(0.8 if right else 0.5, 0.1))
        found = number != 7  # one finds nothing
        row = {
            "system": name, "query": key, "path": str(dataset / key), "landmark": landmark, "tier": "",
            "known": known, "right": right and found, "score": score if found else -np.inf,
            "confidence": float(np.clip(score, 0, 1)) if found else 0.0, "identified": None,
            "keys": [first] if found else [], "scores": [score] if found else [],
            "extract_ms": milliseconds * 0.8, "search_ms": milliseconds * 0.15, "rerank_ms": milliseconds * 0.05,
            "query_bytes": 4_000,
        }  # fmt: skip
        for column, value in row.items():
            rows.setdefault(column, []).append(value)
    types = {"keys": pa.list_(pa.int32()), "scores": pa.list_(pa.float32()), "identified": pa.bool_()}
    return pa.table({column: pa.array(values, types.get(column)) for column, values in rows.items()})


def _facts(name: str, title: str, group: str, share: float, size: float, milliseconds: float) -> dict[str, Any]:
    figures = {
        "micro_ap": share, "recall_at_1": share + 0.05, "ece": 0.06, "tpr_at_1pct_fpr": share - 0.2, "recall_at_5": 0.9
    }  # fmt: skip
    return {
        "name": name,
        "title": title,
        "group": group,
        "note": "A note." if name == "gem" else "",
        "definition": {"local": {"kind": name, "count": 1000}},
        "credits": [
            {"kind": name, "title": "GeM pooling", "paper": "Radenovic et al., TPAMI 2019", "choices": "p is 3."}
        ],
        "figures": figures,
        "intervals": {each: [value - 0.04, value + 0.05] for each, value in figures.items()},
        "costs": {"image_bytes": size, "query_bytes": 4_000.0, "ms_extract": milliseconds},
        "error": None,
    }


def _failed() -> dict[str, Any]:
    return {
        "name": "lost", "title": "Lost", "group": "local", "note": "", "definition": {}, "credits": [],
        "figures": {}, "intervals": {}, "costs": {}, "error": "it needs training photos",
    }  # fmt: skip
