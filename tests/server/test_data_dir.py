"""One server a data folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steeple.errors import FailedPreconditionError
from steeple.server.data_dir import DataDir


def test_a_folder_that_is_in_use_is_refused_with_the_process_that_uses_it(tmp_path: Path) -> None:
    first = DataDir(tmp_path / "data")
    with pytest.raises(FailedPreconditionError, match=rf"in use by another server \(process {os.getpid()}\)"):
        DataDir(tmp_path / "data")
    first.close()
    first.close()
    second = DataDir(tmp_path / "data")
    assert second.index.is_dir()
    second.close()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(FailedPreconditionError, match="cannot be used: Not a directory"):
        DataDir(tmp_path / "file" / "data")
