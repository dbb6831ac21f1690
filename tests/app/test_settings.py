from __future__ import annotations

import json
import stat
import tempfile
import threading
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.app.settings import BUDGETS, AnswersFrom, AppSettings, SettingsFile, Theme, host_and_port
from steeple.errors import FailedPreconditionError, InvalidArgumentError

OTHERS = AppSettings(
    server="search.example.org:443",
    tls=False,
    root_certificates="/etc/ca.pem",
    answers_from=AnswersFrom.PACKS,
    max_bytes=1024,
    language="ko",
    theme=Theme.DARK,
    text_scale=1.5,
    keep_history=False,
    send_location=True,
    search_radius_meters=500.0,
    allow_keeping=True,
    speech=True,
    haptics=False,
    latency_budget_ms=500,
    welcomed=True,
)


def test_settings_come_back_as_they_were_saved(tmp_path: Path) -> None:
    assert all(getattr(OTHERS, field.name) != field.default for field in fields(AppSettings))
    SettingsFile(tmp_path / "settings.json").save(OTHERS)
    again = SettingsFile(tmp_path / "settings.json")
    assert again.current == again.load() == OTHERS
    assert again.problems == ()
    assert stat.S_IMODE((tmp_path / "settings.json").stat().st_mode) == 0o600


def test_a_new_app_sends_neither_place_nor_photo_and_lets_nobody_keep_queries(tmp_path: Path) -> None:
    new = SettingsFile(tmp_path / "settings.json").current
    assert (new.send_location, new.allow_keeping, new.tls, new.server) == (False, False, True, "")


def test_keys_of_another_version_stay_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"hologram": {"depth": 3}, "theme": "dark"}), "utf-8")
    file = SettingsFile(path)
    assert file.change(language="en") == AppSettings(theme=Theme.DARK, language="en")
    assert json.loads(path.read_text("utf-8"))["hologram"] == {"depth": 3}
    file.reset()
    assert json.loads(path.read_text("utf-8")) == json.loads(json.dumps(asdict(AppSettings())))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_bytes", 5000),
        ("max_bytes", "4096"),
        ("tls", 1),
        ("theme", "pink"),
        ("server", "example.org"),
        ("text_scale", 9),
        ("latency_budget_ms", True),
        ("search_radius_meters", float("nan")),
        ("haptics", None),
    ],
)
def test_a_value_that_cannot_be_is_told_and_counts_as_not_set(key: str, value: Any, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({key: value, "language": "ko"}), "utf-8")
    file = SettingsFile(path)
    assert file.current == AppSettings(language="ko")
    (problem,) = file.problems
    assert key in problem


def test_a_change_out_of_limits_changes_nothing(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "settings.json")
    file.save(OTHERS)
    with pytest.raises(InvalidArgumentError, match="max_bytes must be one of 1024, 4096, 16384, 49152") as caught:
        file.change(language="en", max_bytes=7)
    assert caught.value.metadata == {"field": "max_bytes"}
    assert SettingsFile(tmp_path / "settings.json").current == file.current == OTHERS


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"theme": "dark"'])
def test_a_damaged_file_is_set_aside(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    file = SettingsFile(path)
    assert file.current == AppSettings()
    assert "settings.json.damaged-1" in file.problems[0]
    assert (tmp_path / "settings.json.damaged-1").read_bytes() == content
    path.write_bytes(content)
    SettingsFile(path)
    assert (tmp_path / "settings.json.damaged-2").read_bytes() == content


def test_a_file_that_cannot_be_written_stays_and_is_told(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "settings.json")
    file.save(OTHERS)
    (tmp_path / "settings.json.partial").mkdir()
    (tmp_path / "settings.json.partial" / "something").touch()
    with pytest.raises(FailedPreconditionError, match="make space"):
        file.change(language="en")
    assert SettingsFile(tmp_path / "settings.json").current == file.current == OTHERS


def test_changes_of_several_threads_are_all_kept(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "settings.json")
    changes: list[dict[str, Any]] = [{"language": "ko"}, {"speech": True}, {"max_bytes": 1024}, {"theme": Theme.DARK}]
    threads = [threading.Thread(target=lambda change=change: file.change(**change)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = AppSettings(language="ko", speech=True, max_bytes=1024, theme=Theme.DARK)
    assert SettingsFile(tmp_path / "settings.json").current == expected


def taken(stored: Any, current: Any) -> bool:
    same_kind = all(isinstance(stored, kind) <= isinstance(current, kind) for kind in (bool, float))
    return bool(current == stored and same_kind and isinstance(current, bool) <= isinstance(stored, bool))


VALUES = st.none() | st.booleans() | st.integers(-9, 99999) | st.floats(width=16) | st.text("a:1", max_size=5)


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from([field.name for field in fields(AppSettings)]),
        VALUES | st.sampled_from([*BUDGETS, "dark", "packs", "h:1"]),
    )
)
def test_whatever_a_file_says_settings_come_of_it_and_what_is_not_taken_is_told(stored: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.json"
        path.write_text(json.dumps(stored), "utf-8")
        file = SettingsFile(path)
    assert AppSettings(**asdict(file.current)) == file.current
    ignored = {name for name, value in stored.items() if not taken(value, getattr(file.current, name))}
    assert len(file.problems) == len(ignored)
    assert all(any(f" {name} " in problem for problem in file.problems) for name in ignored)


@pytest.mark.parametrize(
    ("server", "host", "port"),
    [("localhost:50051", "localhost", 50051), ("[::1]:1", "::1", 1), (" 10.0.0.1:65535 ", "10.0.0.1", 65535)],
)
def test_addresses_are_a_host_and_a_port(server: str, host: str, port: int) -> None:
    assert host_and_port(server) == (host, port)


@pytest.mark.parametrize(
    "server",
    ["", "host", "host:", ":1", "host:0", "host:65536", "host:x", "::1:50051", "https://h:1", "a b:1", "u@h:1", "h:١"],
)
def test_what_is_no_address_is_told(server: str) -> None:
    with pytest.raises(InvalidArgumentError, match="HOST:PORT"):
        host_and_port(server)
