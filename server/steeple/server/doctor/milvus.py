"""Milvus, where the settings have it keep the index: whether it answers, and what it keeps of no use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from steeple.errors import FailedPreconditionError, SteepleError, UnavailableError
from steeple.server.doctor.findings import Finding, Status
from steeple.server.index_engines import milvus_engine
from steeple.server.settings import Settings
from steeple.server.shared_index.milvus import MilvusEngine


def milvus(settings: Settings, identity: str | None) -> Iterator[Finding]:
    """Whether Milvus answers as the settings say it does, and whether it has collections of other catalogues.

    Args:
        settings: That name it.
        identity: Of the catalogue; empty: it has none yet; None: it could not be read.
    """
    try:
        with closing(milvus_engine(settings, identity or "")) as engine:
            told = f"Milvus {engine.version()} keeps the index; see steeple index status"
            yield Finding("milvus", Status.OK, told)
            yield from _others(settings.milvus_prefix, engine, known=identity is not None)
    except UnavailableError as error:
        yield Finding("milvus", Status.FAILED, error.message, "start it, or say where it is with milvus_uri")
    except FailedPreconditionError as error:
        yield Finding("milvus", Status.FAILED, error.message, "install what it names, or set milvus_token")
    except SteepleError as error:
        yield Finding("milvus", Status.FAILED, error.message, "see Milvus's own log")


def _others(prefix: str, engine: MilvusEngine, *, known: bool) -> Iterator[Finding]:
    if not known:
        told = f"which collections {prefix}_… are of other catalogues only the catalogue tells, which cannot be read"
        yield Finding("collections", Status.SKIPPED, told)
        return
    others = engine.others()
    if not others:
        yield Finding("collections", Status.OK, f"all collections {prefix}_… are of this catalogue")
        return
    listed = ", ".join(f"{one.name} ({one.rows:,} rows, made {one.create_time:%Y-%m-%d})" for one in others)
    yield Finding(
        "collections",
        Status.WARNING,
        f"Milvus has collections {prefix}_… that are not of this catalogue, and cost it memory: {listed}",
        "delete those whose catalogues are gone with steeple index drop; give the others another milvus_prefix",
    )
