from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from steeple.delf.native_output import without_lines


def test_only_the_lines_meant_are_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with without_lines(b"INFO: Created"):
        os.write(2, b"before\nINFO: Created a delegate\nafter INFO: Created\n")
    os.write(2, b"INFO: Created outside\n")
    assert capfd.readouterr().err == "before\nafter INFO: Created\nINFO: Created outside\n"


def test_what_was_said_before_an_error_arrives(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with without_lines(b"INFO"):
            os.write(2, b"INFO: fine\nERROR: not fine\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert capfd.readouterr().err == "ERROR: not fine\n"


def test_no_folder_for_temporary_files_is_needed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as nowhere:
        nowhere.setattr(tempfile, "tempdir", "/nowhere/at-all")
        with without_lines(b"INFO"):
            os.write(2, b"INFO: fine\nERROR: not fine\n")
    assert capfd.readouterr().err == "ERROR: not fine\n"


@pytest.mark.parametrize("stderr", ["open", "closed"])
def test_an_extractor_is_made_in_silence(stderr: str) -> None:
    """In a process of its own, since the runtime remarks once a process."""
    code = "import numpy; from steeple.delf import Extractor; Extractor().extract(numpy.zeros((64, 64, 3), 'u1'))"
    if stderr == "closed":
        code = "import os; os.close(2); " + code
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
