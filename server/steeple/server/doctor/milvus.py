"""Milvus, where the settings have it keep the index: whether it answers, and how far the index is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from steeple.errors import FailedPreconditionError, SteepleError, UnavailableError
from steeple.server.doctor.findings import Finding, Status
from steeple.server.index_engines import milvus_engine
from steeple.server.settings import Settings


def milvus(settings: Settings) -> Iterator[Finding]:
    """Whether Milvus answers as the settings say it does."""
    try:
        with closing(milvus_engine(settings)) as engine:
            version = engine.version()
    except UnavailableError as error:
        yield Finding("milvus", Status.FAILED, error.message, "start it, or say where it is with milvus_uri")
    except FailedPreconditionError as error:
        yield Finding("milvus", Status.FAILED, error.message, "install what it names, or set milvus_token")
    except SteepleError as error:
        yield Finding("milvus", Status.FAILED, error.message, "see Milvus's own log")
    else:
        told = f"Milvus {version} keeps the index; see steeple index status"
        yield Finding("milvus", Status.OK, told)
