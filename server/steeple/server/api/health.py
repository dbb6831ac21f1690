"""Traffic, storage and calibrations as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.protobuf import duration_pb2, timestamp_pb2

from steeple.server.api.names import model_name
from steeple.server.api.resources import timestamp
from steeple.server.api.traffic import Interval, Latency, TrafficReport
from steeple.server.calibration_facts import CalibrationFacts, Reliability
from steeple.server.storage import StorageKind, StorageReport
from steeple.v1 import calibration_pb2, storage_pb2, traffic_pb2

_KINDS: Final = {kind: storage_pb2.StoragePart.Kind.Value(f"KIND_{kind.name}") for kind in StorageKind}


def traffic_message(found: TrafficReport) -> traffic_pb2.Traffic:
    """The traffic of the last minutes as the API shows it."""
    return traffic_pb2.Traffic(
        start_time=_time(found.start),
        end_time=_time(found.end),
        interval=_duration(found.interval_seconds),
        methods=[
            traffic_pb2.MethodTraffic(
                method=one.name,
                call_count=one.total.count,
                refusal_count=one.total.refusals,
                error_count=one.total.errors,
                status_counts=one.statuses,
                latency=_latency(one.total.latency),
                intervals=_intervals(one.intervals),
            )
            for one in found.methods
        ],
        stages=[
            traffic_pb2.StageTraffic(
                stage=one.name,
                count=one.total.count,
                latency=_latency(one.total.latency),
                intervals=_intervals(one.intervals),
            )
            for one in found.stages
        ],
        identified_count=sum(one.identified for one in found.answers),
        unknown_count=sum(one.unknown for one in found.answers),
        answers=[
            traffic_pb2.AnswerInterval(
                start_time=_time(one.start), identified_count=one.identified, unknown_count=one.unknown
            )
            for one in found.answers
        ],
    )


def storage_message(found: StorageReport) -> storage_pb2.Storage:
    """What is kept as the API shows it."""
    return storage_pb2.Storage(
        parts=[
            storage_pb2.StoragePart(
                kind=_KINDS[part.kind], size_bytes=part.size_bytes, item_count=part.items, partial=part.partial
            )
            for part in found.parts
        ],
        disks=[
            storage_pb2.Disk(
                kinds=[_KINDS[kind] for kind in disk.kinds], total_bytes=disk.total_bytes, free_bytes=disk.free_bytes
            )
            for disk in found.disks
        ],
        measure_time=timestamp(found.measure_time),
    )


def calibration_message(found: CalibrationFacts) -> calibration_pb2.Calibration:
    """A calibration as the API shows it."""
    kinds = calibration_pb2.Calibration
    return calibration_pb2.Calibration(
        model=model_name(found.model),
        source=kinds.SOURCE_FILE if found.from_file else kinds.SOURCE_RELEASE,
        threshold=found.calibration.threshold,
        bias=found.calibration.bias,
        weights=found.calibration.weights,
        reliability=None if found.reliability is None else _reliability(found.reliability),
    )


def _reliability(found: Reliability) -> calibration_pb2.Reliability:
    message = calibration_pb2.Reliability(
        false_positive_rate=found.false_positive_rate,
        bins=[
            calibration_pb2.ReliabilityBin(low=part.low, high=part.high)
            if not part.answers
            else calibration_pb2.ReliabilityBin(
                low=part.low,
                high=part.high,
                answer_count=part.answers,
                confidence=part.confidence,
                accuracy=part.right,
                accuracy_low=part.interval[0],
                accuracy_high=part.interval[1],
            )
            for part in found.bins
        ],
        expected_calibration_error=found.ece,
        figures=found.figures,
        photo_counts=found.photos,
    )
    named = found.false_positives
    if named is not None:
        message.false_positives.CopyFrom(
            calibration_pb2.FalsePositives(
                stranger_count=named.strangers,
                named_count=named.named,
                rate=named.rate,
                rate_low=named.interval[0],
                rate_high=named.interval[1],
            )
        )
    return message


def _intervals(found: Sequence[Interval]) -> list[traffic_pb2.TrafficInterval]:
    return [
        traffic_pb2.TrafficInterval(
            start_time=_time(one.start),
            count=one.count,
            refusal_count=one.refusals,
            error_count=one.errors,
            latency=_latency(one.latency),
        )
        for one in found
    ]


def _latency(found: Latency | None) -> traffic_pb2.Latency | None:
    if found is None:
        return None
    return traffic_pb2.Latency(
        percentile_50=_duration(found.percentile_50),
        percentile_90=_duration(found.percentile_90),
        percentile_99=_duration(found.percentile_99),
    )


def _time(seconds: int) -> timestamp_pb2.Timestamp:
    return timestamp_pb2.Timestamp(seconds=seconds)


def _duration(seconds: float) -> duration_pb2.Duration:
    message = duration_pb2.Duration()
    message.FromNanoseconds(round(1e9 * seconds))
    return message
