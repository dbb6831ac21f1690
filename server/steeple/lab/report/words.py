"""Names and numbers as a report shows them."""

from __future__ import annotations

import math
from typing import Final

from steeple.lab.drawing.svg import numeral

_FIGURES: Final = {
    "micro_ap": "micro-AP",
    "recall_at_1": "recall@1",
    "recall_at_5": "recall@5",
    "recall_at_10": "recall@10",
    "tpr_at_1pct_fpr": "TPR at 1 % FPR",
    "ece": "ECE",
    "map": "mAP",
    "map_at_100": "mAP@100",
    "map_easy": "mAP, easy",
    "map_medium": "mAP, medium",
    "map_hard": "mAP, hard",
    "n_s_score": "N-S score",
}
SMALLER_IS_BETTER: Final = frozenset({"ece"})
"""Names of figures of which less is better."""

_GROUPS: Final = {
    "global": "global descriptors",
    "local": "local features",
    "indexing": "indexing",
    "after": "after the search",
    "product": "Steeple",
}


def figure_title(name: str) -> str:
    """What a figure is called."""
    if name in _FIGURES:
        return _FIGURES[name]
    if name.startswith("recall_at_1_"):
        return f"recall@1, {name.removeprefix('recall_at_1_')}"
    return name.replace("_", " ")


def group_title(name: str) -> str:
    """What a group of systems is called."""
    return _GROUPS.get(name, name)


def share(value: float) -> str:
    """Three places; a dash for what is not known."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def size(value: float) -> str:
    """Bytes: 20 B, 1.5 kB, 3.2 MB."""
    if math.isnan(value):
        return "–"
    for least, name in ((1e6, "MB"), (1e3, "kB")):
        if value >= 0.9995 * least:
            return f"{value / least:.3g} {name}"
    return f"{value:.0f} B"


def milliseconds(value: float) -> str:
    """Three digits."""
    if math.isnan(value):
        return "–"
    return numeral(float(f"{value:.3g}")) if value < 10_000 else f"{value:,.0f}"
