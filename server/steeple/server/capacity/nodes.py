"""Kinds of machines and what they cost."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from steeple.errors import InvalidArgumentError

_FILE = "nodes.toml"


@dataclass(frozen=True)
class NodeType:
    """A kind of machine.

    Attributes:
        name: Of the kind.
        cores: As the operating system shows them.
        memory_gb: Of 1e9 bytes.
        network_gbit: A second, that it may send all the time.
        price_hour: In the currency of the file.
        speed: Of a core, by one of the machine that was measured.
        gpus: How many.
        gpu_memory_gb: Of each.
        gpu_speed: Of each, by the one that was measured.
    """

    name: str
    cores: int
    memory_gb: float
    network_gbit: float
    price_hour: float
    speed: float = 1.0
    gpus: int = 0
    gpu_memory_gb: float = 0.0
    gpu_speed: float = 1.0


@dataclass(frozen=True)
class NodeTypes:
    """What a plan chooses from.

    Attributes:
        nodes: At least one.
        date: Of the prices.
        currency: Of the prices.
        assumed: Whether the prices are a guess.
        disk_gb_month: Price of a GB of disk.
        object_gb_month: Price of a GB of object storage.
        egress_gb: Price of a GB that is sent to clients.
    """

    nodes: tuple[NodeType, ...]
    date: str
    currency: str
    assumed: bool
    disk_gb_month: float
    object_gb_month: float
    egress_gb: float

    def named(self, name: str) -> NodeType:
        """The kind of that name.

        Raises:
            InvalidArgumentError: If there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        names = ", ".join(node.name for node in self.nodes)
        raise InvalidArgumentError(f"there is no machine {name!r}; there are {names}")


def load(path: Path | None = None) -> NodeTypes:
    """Machines from a TOML file of the form of ``nodes.toml`` beside this module; None: that file.

    Raises:
        InvalidArgumentError: If it cannot be read, or is not of that form.
    """
    try:
        if path is None:
            return _read(tomllib.loads((resources.files(__package__) / _FILE).read_text("utf-8")))
        return _read(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InvalidArgumentError(
            f"{path or _FILE} is no table of machines ({reason}); copy the one that comes with Steeple, "
            "server/capacity/nodes.toml, and change that"
        ) from error


def _read(document: Mapping[str, Any]) -> NodeTypes:
    storage = document["storage"]
    known = {each.name for each in fields(NodeType)}
    nodes = []
    for row in document["node"]:
        if more := set(row) - known:
            raise ValueError(f"node {row.get('name', '')!r} has {', '.join(sorted(more))}")
        node = NodeType(**row)
        sizes = {
            name: getattr(node, name)
            for name in ("cores", "memory_gb", "network_gbit", "price_hour", "speed", "gpu_speed")
        }
        for name, size in sizes.items():
            if not isinstance(size, int | float) or isinstance(size, bool) or size <= 0:
                raise ValueError(f"{name} of node {node.name!r} must be a number above 0")
        if node.gpus and node.gpu_memory_gb <= 0:
            raise ValueError(f"gpu_memory_gb of node {node.name!r} must be above 0")
        nodes.append(node)
    if not nodes:
        raise ValueError("it has no [[node]]")
    return NodeTypes(
        nodes=tuple(nodes),
        date=str(document["date"]),
        currency=str(document["currency"]),
        assumed=bool(document.get("assumed", False)),
        disk_gb_month=float(storage["disk_gb_month"]),
        object_gb_month=float(storage["object_gb_month"]),
        egress_gb=float(storage["egress_gb"]),
    )
