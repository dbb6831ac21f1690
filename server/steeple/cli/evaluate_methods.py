"""``steeple evaluate methods``: what an experiment can be made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from steeple.cli.options import JsonOption
from steeple.cli.output import Column, Output

if TYPE_CHECKING:
    from steeple.lab.parts import Parts

_TITLES: Final = {
    "extractors": "local: makes local features",
    "projections": "projection: makes other descriptors of theirs",
    "backbones": "backbone: makes feature maps",
    "poolings": "pooling: makes one vector of maps",
    "local_searches": "local-search: searches by local features",
    "global_searches": "global-search: searches by the vector",
    "rerankings": "rerank: stages after the search",
}


def methods(json: JsonOption = False) -> None:
    """List what an experiment can name: kinds of parts, their papers, and the systems that ship.

    A system is put together of parts; each key of it takes a kind, or a mapping of ``kind`` and parameters. --json has
    what each kind does otherwise than its paper, and the definitions of all systems.

    \b
    Examples:
      steeple evaluate methods
      steeple evaluate methods --json
    """
    from steeple.lab.datasets import FORMATS
    from steeple.lab.parts import Parts
    from steeple.lab.systems import built_in_systems

    output = Output(as_json=json)
    parts = Parts.shipped()
    kinds = {name: _kinds(parts, name) for name in _TITLES}
    systems = [
        {
            "name": system.name,
            "title": system.title,
            "group": system.group.value,
            "note": system.note,
            "definition": system.definition,
        }
        for system in built_in_systems(parts)
    ]
    formats = [
        {"name": name, "title": each.title, "paper": each.paper, "layout": each.layout, "options": list(each.options)}
        for name, each in FORMATS.items()
    ]
    output.document({"kinds": kinds, "systems": systems, "formats": formats})
    for name, title in _TITLES.items():
        output.table(
            (Column("kind"), Column("method"), Column("paper"), Column("parameters")),
            [(kind["kind"], kind["title"], kind["paper"], _shown(kind["parameters"])) for kind in kinds[name]],
            title=title,
        )
    output.table(
        (Column("system"), Column("group"), Column("method")),
        [(str(system["name"]), str(system["group"]), str(system["title"])) for system in systems],
        title="systems",
    )
    output.table(
        (Column("format"), Column("data set"), Column("layout")),
        [(str(each["name"]), str(each["title"]), str(each["layout"])) for each in formats],
        title="formats of data sets",
    )


def _kinds(parts: Parts, name: str) -> list[dict[str, Any]]:
    from steeple.lab.parts import parameters_of

    return [
        {
            "kind": kind_name,
            "title": kind.title,
            "paper": kind.paper,
            "choices": kind.choices,
            "parameters": parameters_of(kind),
        }
        for kind_name, kind in getattr(parts, name).items()
    ]


def _shown(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())
