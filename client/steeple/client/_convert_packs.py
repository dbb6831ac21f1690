"""Protocol messages of packs to the SDK's types, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from steeple.client._convert import point_message, to_place
from steeple.client._requests import prefixed
from steeple.client._times import to_time
from steeple.client.packs import Pack, PackState
from steeple.client.resources import LatLng
from steeple.v1 import pack_service_pb2 as api

_STATES: Final = {
    api.Pack.STATE_CURRENT: PackState.CURRENT,
    api.Pack.STATE_STALE: PackState.STALE,
    api.Pack.STATE_LOST: PackState.LOST,
}


def pack_name(pack: str | Pack) -> str:
    """``packs/{id}`` of an id, a name or a pack."""
    return pack.name if isinstance(pack, Pack) else prefixed("packs/", pack)


def settings_message(
    *,
    display_name: str,
    near: LatLng | None,
    radius_meters: float,
    metadata: Mapping[str, str] | None,
    labels: Iterable[str],
    max_images: int,
    max_features: int,
    exact_descriptors: bool,
) -> api.PackSettings:
    """What is to be in a pack."""
    return api.PackSettings(
        display_name=display_name,
        near=point_message(near),
        radius_meters=radius_meters,
        metadata=metadata or {},
        labels=labels,
        max_images=max_images,
        max_features=max_features,
        exact_descriptors=exact_descriptors,
    )


def to_pack(message: api.Pack) -> Pack:
    """A pack."""
    settings = message.settings
    return Pack(
        name=message.name,
        display_name=settings.display_name,
        state=_STATES.get(message.state, PackState.OTHER),
        near=to_place(settings.near) if settings.HasField("near") else None,
        radius_meters=settings.radius_meters,
        metadata=dict(settings.metadata),
        labels=tuple(settings.labels),
        max_images=settings.max_images,
        max_features=settings.max_features,
        exact_descriptors=settings.exact_descriptors,
        model=message.model,
        tflite_sha256=message.tflite_sha256,
        sequence=message.sequence,
        landmark_count=message.landmark_count,
        image_count=message.image_count,
        feature_count=message.feature_count,
        size_bytes=message.size_bytes,
        sha256=message.sha256,
        create_time=to_time(message.create_time),
    )
