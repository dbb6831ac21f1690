"""Log output of a server: a line an event, for people or as JSON."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, Literal

_FACTS: Final = "facts"

_request_id: ContextVar[str] = ContextVar("request_id", default="")


@contextmanager
def within_request(request_id: str) -> Iterator[None]:
    """Every line that is logged inside carries the id, also on the threads that a pool runs its work on."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def current_request_id() -> str:
    """The id of the request that is being worked on; empty outside of one."""
    return _request_id.get()


def facts(**values: object) -> dict[str, dict[str, object]]:
    """Named facts of a log record, as its ``extra``: ``log.info("...", extra=facts(ms=3.1))``."""
    return {_FACTS: values}


def configure(style: Literal["text", "json"], level: str) -> None:
    """Sends what Steeple logs to stderr. Replaces what an earlier call set up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logger = logging.getLogger("steeple")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


class TextFormatter(logging.Formatter):
    """``2025-01-31T12:00:00.123Z INFO message key=value …``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and below it the traceback if there is one."""
        values = "".join(f" {key}={_shown(value)}" for key, value in _facts_of(record).items())
        line = f"{_time_of(record)} {record.levelname} {record.getMessage()}{values}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the facts, and ``traceback`` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        document: dict[str, object] = {
            "time": _time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_facts_of(record),
        }
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False, default=str)


def _facts_of(record: logging.LogRecord) -> dict[str, object]:
    values = getattr(record, _FACTS, {})
    known = values if isinstance(values, dict) else {}
    return {"request_id": request_id, **known} if (request_id := current_request_id()) else known


def _shown(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(c.isspace() or c in '"=' for c in text) else text


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
