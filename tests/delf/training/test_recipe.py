"""The record that decides what a run makes."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from steeple.delf.training.recipe import (
    AttentionStage,
    DescriptorStage,
    LightParameters,
    NetworkParameters,
    Recipe,
    ViewParameters,
)
from steeple.errors import InvalidArgumentError

EVERYTHING = Recipe(
    seed=7,
    held_back=("tower", "gate"),
    held_back_share=0.25,
    network=NetworkParameters(last_block=9, fusion=True, learned_attention=False, dimensions=40),
    views=ViewParameters(side=192, rotation=3.5, light=LightParameters(toned=0.0, night=1.0)),
    descriptors=DescriptorStage(steps=11, temperature=0.1, mined=1.0),
    attention=AttentionStage(steps=0, reliability=2.0),
)


def test_a_recipe_survives_json() -> None:
    text = json.dumps(EVERYTHING.to_dict())
    assert Recipe.from_dict(json.loads(text)) == EVERYTHING
    assert json.dumps(Recipe.from_dict(json.loads(text)).to_dict()) == text, "in the same order"


def test_what_is_left_out_has_its_default() -> None:
    assert Recipe.from_dict({}) == Recipe()
    made = Recipe.from_dict({"views": {"light": {"night": 1}}, "descriptors": {"steps": 3}, "held_back": ["a"]})
    expected = Recipe(
        held_back=("a",),
        views=ViewParameters(light=LightParameters(night=1.0)),
        descriptors=DescriptorStage(steps=3),
    )
    assert made == expected
    assert isinstance(made.views.light.night, float), "1 and 1.0 are one recipe, in run.json too"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"steps": 3}, "a recipe has no 'steps'; there is seed, held_back"),
        ({"views": {"size": 3}}, "a recipe has no 'views.size'; there is side"),
        ({"views": {"light": {"fog": 0.1}}}, "a recipe has no 'views.light.fog'"),
        ({"views": 224}, "'views' of a recipe is a table, not 224"),
        ({"views": {"light": None}}, "'views.light' of a recipe is a table, not None"),
        ({"seed": "1"}, "'seed' of a recipe is like 1, not '1'"),
        ({"seed": 1.5}, "'seed' of a recipe is like 1, not 1.5"),
        ({"seed": True}, "'seed' of a recipe is like 1, not True"),
        ({"network": {"fusion": 1}}, f"'network.fusion' of a recipe is like {NetworkParameters.fusion}, not 1"),
        ({"descriptors": {"rate": True}}, f"'descriptors.rate' of a recipe is like {DescriptorStage.rate}, not True"),
        ({"descriptors": {"rate": [1]}}, f"'descriptors.rate' of a recipe is like {DescriptorStage.rate}, not [1]"),
        ({"held_back": "tower"}, "'held_back' of a recipe is a list of names, not 'tower'"),
        ({"held_back": ["tower", 3]}, "'held_back' of a recipe is a list of names"),
    ],
)
def test_what_is_no_recipe_is_said(values: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Recipe.from_dict(values)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"seed": -1}, "'seed' of a recipe is at least 0, not -1"),
        ({"seed": 2**32}, "'seed' of a recipe is at least 0"),
        ({"held_back_share": 1.5}, "'held_back_share' of a recipe is from 0 to 1, not 1.5"),
        ({"views": {"light": {"grey": 1.01}}}, "'views.light.grey' of a recipe is from 0 to 1"),
        ({"views": {"scale_spread": 0.9}}, "'views.scale_spread' of a recipe is at least 1, not 0.9"),
        ({"views": {"side": 0}}, "'views.side' of a recipe is at least 32"),
        ({"views": {"side": 100}}, "'views.side' of a recipe is a multiple of 16, not 100"),
        ({"descriptors": {"steps": -1}}, "'descriptors.steps' of a recipe is at least 0"),
        ({"descriptors": {"pairs": 0}}, "'descriptors.pairs' of a recipe is at least 1"),
        ({"descriptors": {"rate": float("nan")}}, "'descriptors.rate' of a recipe is at least 0, not nan"),
        ({"descriptors": {"rate": float("inf")}}, "'descriptors.rate' of a recipe is at least 0, not inf"),
        ({"descriptors": {"temperature": 0}}, "'descriptors.temperature' of a recipe is at least 0.001"),
        ({"attention": {"labelled": 0}}, "'attention.labelled' of a recipe is at least 1"),
        (
            {"network": {"trunk": "efficientnet-lite9"}},
            "'network.trunk' of a recipe is one of efficientnet-lite0, efficientnet-lite1, efficientnet-lite2, not",
        ),
    ],
)
def test_what_no_run_can_do_is_said_before_it_begins(values: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Recipe.from_dict(values)
    assert says in str(caught.value)


def test_every_field_is_described() -> None:
    for kind in (LightParameters, ViewParameters, NetworkParameters, DescriptorStage, AttentionStage, Recipe):
        described = (kind.__doc__ or "").split("Attributes:")
        if len(described) == 2:
            assert [item.name for item in dataclasses.fields(kind) if f"{item.name}:" not in described[1]] == []


def values(record: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from values(value, f"{where}{name}.")
        else:
            yield f"{where}{name}", value


def test_the_manual_lists_every_field_with_its_default() -> None:
    text = (Path(__file__).parents[3] / "docs" / "model" / "training.md").read_text(encoding="utf-8")
    table = {name: json.loads(default) for name, default in re.findall(r"^\| `([a-z_.]+)` \| `(.+?)` \|", text, re.M)}
    assert table == dict(values(Recipe().to_dict()))
    examples = re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)
    assert len(examples) == 3
    for example in examples:
        Recipe.from_dict(json.loads(example))
