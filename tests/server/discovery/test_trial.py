from __future__ import annotations

import math

import pytest

from steeple.server.catalogue.distances import distance
from steeple.server.discovery.trial import figures_of, simulated_places


def test_figures_of_groups_made_by_hand() -> None:
    labels = {1: "a", 2: "a", 3: "a", 4: "b", 5: "b", 6: "", 7: "", 8: "c"}
    figures = figures_of([[1, 2, 4], [5, 6]], labels)
    # Pairs: 1-2 is right, 1-4, 2-4 and 5-6 are not; a has three and b one.
    assert figures.groups == 2
    assert figures.precision == pytest.approx(1 / 4)
    assert figures.recall == pytest.approx(1 / 4)
    assert figures.f1 == pytest.approx(1 / 4)
    assert figures.purity == pytest.approx(3 / 5)  # 1 and 2; 5
    assert figures.covered == pytest.approx(4 / 6)
    assert figures.strangers_grouped == pytest.approx(1 / 2)


def test_figures_of_nothing() -> None:
    figures = figures_of([], {1: "a", 2: "a"})
    assert (figures.recall, figures.f1, figures.covered) == (0.0, 0.0, 0.0)
    assert math.isnan(figures.precision)
    assert math.isnan(figures.strangers_grouped)


def test_two_strangers_together_are_a_wrong_pair() -> None:
    figures = figures_of([[1, 2]], {1: "", 2: "", 3: "a", 4: "a"})
    assert (figures.precision, figures.purity, figures.strangers_grouped) == (0.0, 0.0, 1.0)


def test_simulated_places_are_together_and_apart() -> None:
    labels = {number: "abcdefgh"[number % 8] for number in range(64)} | dict.fromkeys(range(64, 80), "")
    places = simulated_places(labels, together=4)
    assert places == simulated_places(labels, together=4)
    known = {key: place for key, place in places.items() if place is not None}
    assert set(known) == set(labels)
    for one in range(64):
        for other in range(one):
            away = distance(known[one], known[other])
            same = (one % 8) // 4 == (other % 8) // 4
            assert (away < 600) if same else (away > 1400)
