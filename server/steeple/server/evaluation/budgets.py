"""Queries within budgets of bytes, as an SDK sends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from steeple.delf import FeatureSet, ModelRelease, compact, wire
from steeple.delf.progress import Progress
from steeple.server.evaluation.run import QueryResult, Sending, Trial, whole
from steeple.v1.features_pb2 import CompactFeatureSet
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, IdentifyStreamRequest, Query

_LENGTHS: Final = (4096, 2048, 1024, 512)
_FRAMING: Final = 32  # bytes of a request around its features, at most


def within(release: ModelRelease, max_bytes: int) -> Sending:
    """One request of at most ``max_bytes``: the whole feature set if it fits, else a compact one."""

    def sending(features: FeatureSet) -> Sequence[tuple[FeatureSet, int]]:
        message = wire.pack(features)
        request = IdentifyRequest(query=Query(features=message))
        if request.ByteSize() <= max_bytes:
            return [(wire.unpack(message), request.ByteSize())]
        short = compact.pack(features, release, max_bytes - _FRAMING)
        request = IdentifyRequest(query=Query(compact_features=short))
        return [(compact.unpack(short, release), request.ByteSize())]

    return sending


def in_parts(release: ModelRelease, max_bytes: int) -> Sending:
    """Requests of a stream, of at most ``max_bytes`` together, until the answer is certain."""

    def sending(features: FeatureSet) -> Sequence[tuple[FeatureSet, int]]:
        budgets = [budget - _FRAMING for budget in compact.progressive_budgets(max_bytes)]
        parts, total = [], 0
        for message in compact.pack_parts(features, release, budgets):
            total += _request_bytes(message)
            parts.append((compact.unpack(message, release), total))
        return parts

    return sending


def of_all_lengths(trial: Trial, release: ModelRelease, progress: Progress) -> list[list[QueryResult]]:
    """Answers to every query, first with all its features, then within ever smaller budgets.

    Without a compact codebook in the release, with all its features alone.
    """
    answers = [trial.answers(whole, progress)]
    if release.compact_path is not None:
        answers += [trial.answers(within(release, size), progress, f"{size:,} bytes") for size in _LENGTHS]
    return answers


def _request_bytes(message: CompactFeatureSet) -> int:
    return IdentifyStreamRequest(frame_id=1, query=Query(compact_features=message), more=True).ByteSize()
