"""Each target against inputs that hypothesis damages; ``make fuzz`` goes on for longer."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import damaged
from tests.fuzz.targets import load_target, target_names

CASES = 400


@pytest.mark.parametrize("name", target_names())
def test_no_input_shows_a_defect(name: str) -> None:
    target = load_target(name)
    seeds = target.seeds()
    for seed in seeds:
        target.check(seed)

    @settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(seeds), st.integers(0, 2**32))
    def run(seed: bytes, number: int) -> None:
        target.check(damaged(seed, random.Random(number), seeds))

    run()


def test_targets_are_found() -> None:
    assert {"compact_features", "feature_set", "filters", "image", "order_by", "page_tokens"} <= set(target_names())


def test_the_same_seed_does_the_same_damage() -> None:
    once, again, other = (damaged(b"photograph" * 9, random.Random(number)) for number in (1, 1, 2))
    assert once == again != other
