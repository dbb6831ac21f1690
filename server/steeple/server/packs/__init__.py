"""Offline packs that a server makes of its catalogue, publishes and sends."""

from steeple.server.packs.packs import Packs
from steeple.server.packs.records import PackSettings, PackState, PublishedPack, pack_name

__all__ = ["PackSettings", "PackState", "Packs", "PublishedPack", "pack_name"]
