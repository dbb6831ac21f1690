"""What ``steeple benchmark engines`` measured, as tables."""

from __future__ import annotations

from steeple.cli.output import Column, Output, describe_size
from steeple.server.capacity.measured import Run


def show(output: Output, run: Run) -> None:
    """Prints it as text."""
    output.facts(
        [
            ("machine", run.machine),
            ("date", run.date),
            ("model", run.model),
            ("remark", run.remark),
            ("a call that does nothing", f"{run.call_cpu_ms:.2f} ms of a processor, client included"),
            ("features of a photo", f"{run.extract_cpu_ms:.0f} ms of a processor, 640x480"),
        ]
    )
    output.table(
        (
            Column("engine"),
            Column("descriptors", "right"),
            Column("lists", "right"),
            Column("code", "right"),
            Column("probes", "right"),
            Column("query", "right"),
            Column("at once", "right"),
            Column("wall ms", "right"),
            Column("cpu ms", "right"),
            Column("GPU ms", "right"),
        ),
        [
            (
                point.engine,
                f"{point.descriptors:,}",
                f"{point.lists:,}",
                str(point.code_size),
                str(point.probes),
                str(point.query_descriptors),
                str(point.at_once),
                f"{point.wall_ms:.1f}",
                "" if point.cpu_ms is None else f"{point.cpu_ms:.1f}",
                "" if point.device_ms is None else f"{point.device_ms:.1f}",
            )
            for point in run.index
        ],
        title="a query's search",
    )
    output.table(
        (
            Column("index of"),
            Column("descriptors", "right"),
            Column("code", "right"),
            Column("resident", "right"),
            Column("bytes a descriptor", "right"),
        ),
        [
            (
                size.engine,
                f"{size.descriptors:,}",
                str(size.code_size),
                describe_size(size.resident_bytes),
                f"{size.resident_bytes / size.descriptors:.1f}",
            )
            for size in run.sizes
        ],
    )
    output.table(
        (
            Column("database"),
            Column("bytes an image", "right"),
            Column("images read", "right"),
            Column("ms", "right"),
            Column("cpu ms, reader", "right"),
            Column("cpu ms, database", "right"),
            Column("ms to add one", "right"),
        ),
        [
            (
                cost.engine,
                f"{cost.bytes_per_image:,.0f}",
                str(cost.read_images),
                f"{cost.read_ms:.1f}",
                f"{cost.read_cpu_ms:.1f}",
                "unknown" if cost.server_cpu_ms is None else f"{cost.server_cpu_ms:.1f}",
                f"{cost.write_ms:.1f}",
            )
            for cost in run.catalogue
        ],
    )
    output.table(
        (Column("photos in"), Column("ms to store", "right"), Column("ms to read", "right")),
        [(cost.store, f"{cost.put_ms:.1f}", f"{cost.get_ms:.1f}") for cost in run.images],
        title="photos of 300 kB",
    )
    output.table(
        (Column("query of"), Column("bytes", "right"), Column("descriptors", "right"), Column("ms to read", "right")),
        [
            (
                f"{each.max_bytes:,} bytes" if each.max_bytes else "any size",
                f"{each.message_bytes:,}",
                str(each.descriptors),
                f"{each.decode_ms:.2f}",
            )
            for each in run.query_bytes
        ],
    )
    output.table(
        (Column("verification, descriptors", "right"), Column("images", "right"), Column("cpu ms", "right")),
        [(str(cost.query_descriptors), str(cost.images), f"{cost.cpu_ms:.1f}") for cost in run.verification],
    )
