"""Protocol messages of traffic, storage and calibrations to the SDK's types."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from google.protobuf.duration_pb2 import Duration

from steeple.client._times import to_time
from steeple.client.calibration import (
    Calibration,
    CalibrationSource,
    FalsePositives,
    Reliability,
    ReliabilityBin,
)
from steeple.client.health import (
    AnswerInterval,
    Disk,
    Latency,
    MethodTraffic,
    StageTraffic,
    Storage,
    StorageKind,
    StoragePart,
    Traffic,
    TrafficInterval,
)
from steeple.v1 import calibration_pb2, storage_pb2, traffic_pb2

_KINDS: Final = {
    number: StorageKind[name.removeprefix("KIND_")] for name, number in storage_pb2.StoragePart.Kind.items() if number
}
_SOURCES: Final = {
    number: CalibrationSource[name.removeprefix("SOURCE_")]
    for name, number in calibration_pb2.Calibration.Source.items()
    if number
}


def to_traffic(message: traffic_pb2.Traffic) -> Traffic:
    """What a server was asked in the last minutes."""
    return Traffic(
        start_time=to_time(message.start_time),
        end_time=to_time(message.end_time),
        interval=_milliseconds(message.interval) / 1e3,
        methods=tuple(
            MethodTraffic(
                method=one.method,
                calls=one.call_count,
                refusals=one.refusal_count,
                errors=one.error_count,
                statuses=dict(one.status_counts),
                latency=_latency(one.latency) if one.HasField("latency") else None,
                intervals=_intervals(one.intervals),
            )
            for one in message.methods
        ),
        stages=tuple(
            StageTraffic(
                stage=one.stage,
                count=one.count,
                latency=_latency(one.latency) if one.HasField("latency") else None,
                intervals=_intervals(one.intervals),
            )
            for one in message.stages
        ),
        identified=message.identified_count,
        unknown=message.unknown_count,
        answers=tuple(
            AnswerInterval(to_time(one.start_time), one.identified_count, one.unknown_count) for one in message.answers
        ),
    )


def to_storage(message: storage_pb2.Storage) -> Storage:
    """What a server keeps."""
    return Storage(
        parts=tuple(
            StoragePart(_KINDS.get(part.kind, StorageKind.OTHER), part.size_bytes, part.item_count, part.partial)
            for part in message.parts
        ),
        disks=tuple(
            Disk(tuple(_KINDS.get(kind, StorageKind.OTHER) for kind in disk.kinds), disk.total_bytes, disk.free_bytes)
            for disk in message.disks
        ),
        measure_time=to_time(message.measure_time),
    )


def to_calibration(message: calibration_pb2.Calibration) -> Calibration:
    """The model of confidence of a release."""
    return Calibration(
        model=message.model,
        source=_SOURCES.get(message.source, CalibrationSource.OTHER),
        threshold=message.threshold,
        bias=message.bias,
        weights=dict(message.weights),
        reliability=_reliability(message.reliability) if message.HasField("reliability") else None,
    )


def _reliability(message: calibration_pb2.Reliability) -> Reliability:
    named = message.false_positives
    return Reliability(
        false_positive_rate=message.false_positive_rate,
        false_positives=FalsePositives(
            named.stranger_count, named.named_count, named.rate, (named.rate_low, named.rate_high)
        )
        if message.HasField("false_positives")
        else None,
        bins=tuple(_bin(part) for part in message.bins),
        ece=message.expected_calibration_error if message.HasField("expected_calibration_error") else None,
        figures=dict(message.figures),
        photos=dict(message.photo_counts),
    )


def _bin(message: calibration_pb2.ReliabilityBin) -> ReliabilityBin:
    if not message.answer_count:
        return ReliabilityBin(message.low, message.high, 0, math.nan, math.nan, (math.nan, math.nan))
    return ReliabilityBin(
        message.low,
        message.high,
        message.answer_count,
        message.confidence,
        message.accuracy,
        (message.accuracy_low, message.accuracy_high),
    )


def _intervals(messages: Iterable[traffic_pb2.TrafficInterval]) -> tuple[TrafficInterval, ...]:
    return tuple(
        TrafficInterval(
            to_time(one.start_time),
            one.count,
            one.refusal_count,
            one.error_count,
            _latency(one.latency) if one.HasField("latency") else None,
        )
        for one in messages
    )


def _latency(message: traffic_pb2.Latency) -> Latency:
    return Latency(
        _milliseconds(message.percentile_50),
        _milliseconds(message.percentile_90),
        _milliseconds(message.percentile_99),
    )


def _milliseconds(duration: Duration) -> float:
    return duration.seconds * 1e3 + duration.nanos / 1e6
