"""``steeple info``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Output, describe_time

if TYPE_CHECKING:
    from steeple.client import IndexInfo, UpkeepInfo


def info(server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Show what a server serves, how large its index is, and what it is doing to it.

    \b
    Examples:
      steeple info
      steeple info --server recognition.example.org:50051
      steeple info --json | jq .upkeep
    """
    output = Output(as_json=json)
    with connect(server) as client:
        found = client.server_info()
    index = found.index
    output.document(found.to_dict())
    output.facts(
        [
            ("server", f"Steeple {found.version} at {server}"),
            ("started", f"{describe_time(found.start_time)}, {timedelta(seconds=int(found.uptime))} ago"),
            ("models", ", ".join(found.models)),
            ("index", _describe_kind(index)),
            ("search", f"{index.probes} probes, {index.neighbours} neighbours a descriptor"),
            ("batching", "on" if index.batching else "off"),
            ("images", f"{index.images:,}"),
            ("descriptors", _describe_descriptors(index)),
            ("current", _describe_sequence(index)),
            ("upkeep", _describe_upkeep(found.upkeep)),
            ("waiting", found.upkeep.waiting_for),
            ("takes", f"requests of {found.max_message_bytes:,} bytes, photos of {found.max_image_pixels:,} pixels"),
        ]
    )


def _describe_kind(index: IndexInfo) -> str:
    kind = f"{index.factory} on {index.device}"
    return kind if index.device.startswith("Milvus") else f"{kind}, FAISS {index.faiss_version}"


def _describe_descriptors(index: IndexInfo) -> str:
    if index.device.startswith("Milvus"):
        return f"{index.descriptors:,}, about {index.bytes_per_descriptor:g} bytes each once they are indexed"
    return (
        f"{index.descriptors:,}, {index.bytes_per_descriptor:g} bytes each; {index.live_descriptors:,} in memory only, "
        f"{index.dead_descriptors:,} dead ({index.dead_share:.1%})"
    )


def _describe_sequence(index: IndexInfo) -> str:
    if index.changes_behind:
        return f"{index.changes_behind:,} changes behind the catalogue, at {index.sequence:,}"
    return f"has all {index.catalogue_sequence:,} changes of the catalogue"


def _describe_upkeep(upkeep: UpkeepInfo) -> str:
    if not upkeep.images_total:
        return upkeep.activity.value
    if not upkeep.images_done:
        return f"{upkeep.activity.value}: training a codebook for {upkeep.images_total:,} images"
    return f"{upkeep.activity.value}: {upkeep.images_done:,} of {upkeep.images_total:,} images"
