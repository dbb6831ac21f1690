"""Texts in each language, and the fonts that can write them."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from steeple.app.ui.fonts import ROBOTO, Fonts, script_of
from steeple.app.ui.language import FOLDER, LANGUAGES, Translator, choose, system_language

ROOT = Path(__file__).resolve().parents[3]
TRANSLATED = sorted(set(LANGUAGES) - {"en"})


def test_catalogues_have_all_texts_and_are_compiled() -> None:
    tool = ROOT / "tools/compile_messages.py"
    run = subprocess.run([sys.executable, str(tool), "--check"], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_with_the_same_names_in_it(language: str) -> None:
    path = FOLDER / language / "LC_MESSAGES/steeple.po"
    with path.open("rb") as file:
        messages = [message for message in read_po(file, locale=language) if message.id]
    assert len(messages) > 150
    for message in messages:
        sources = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        found = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        for text in found:
            assert text, f"{sources[0]!r} is not translated"
            assert names_in(text) == names_in(sources[-1]), sources[0]


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_texts_are_put_together() -> None:
    english, korean = Translator("en"), Translator("ko")
    assert english("Delete {name}", name="Seoul") == "Delete Seoul"
    assert korean("Delete {name}", name="서울") == "서울 삭제"
    assert english.count("{n} landmark", "{n} landmarks", 1) == "1 landmark"
    assert english.count("{n} landmark", "{n} landmarks", 3) == "3 landmarks"
    assert korean.count("{n} landmark", "{n} landmarks", 3) == "랜드마크 3곳"
    assert korean("") == ""
    assert korean("not in any catalogue") == "not in any catalogue"


def test_languages_that_run_to_the_left_turn_the_layout_around() -> None:
    assert Translator("ko").rightwards
    assert not Translator("ar").rightwards
    assert not Translator("he-IL").rightwards


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANGUAGE": "de:ko:en", "LANG": "en_GB.UTF-8"}, "ko"),
        ({"LANG": "C"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_of_the_system_is_taken(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert system_language() == expected
    assert choose("") == expected
    assert choose("ko") == "ko"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Zürich, Αθήνα, Москва", None),
        ("경복궁", "Hangul"),
        ("東京タワー", "Han and Kana"),
        ("قصر الحمراء", "Arabic"),
        ("הכותל", "Hebrew"),
        ("ताज महल", "Devanagari"),
        ("วัดพระแก้ว", "Thai"),
        ("Palace 경복궁", "Hangul"),
    ],
)
def test_the_script_of_a_text_is_known(text: str, script: str | None) -> None:
    found = script_of(text)
    assert (None if found is None else found.name) == script


def test_a_font_of_the_system_is_found_for_what_roboto_lacks(tmp_path: Path) -> None:
    fonts = Fonts([tmp_path / "missing", tmp_path])
    assert fonts.font_for("경복궁") == ROBOTO  # none is there
    nested = tmp_path / "truetype/nanum"
    nested.mkdir(parents=True)
    for name in ("NanumGothic.ttf", "NanumGothicBold.ttf", "DejaVuSans.ttf"):
        (nested / name).touch()
    fonts = Fonts([tmp_path])
    assert fonts.font_for("경복궁") == str(nested / "NanumGothic.ttf")
    assert fonts.font_for("경복궁", True) == str(nested / "NanumGothicBold.ttf")
    assert fonts.font_for("قصر", True) == str(nested / "DejaVuSans.ttf")  # its bold is not there
    assert fonts.font_for("Zürich") == ROBOTO


def test_kv_files_have_no_text_that_is_not_translated() -> None:
    bare = re.compile(
        r"^\s*(?:text|title|detail|hint|help|label|hint_text|tool_label|button):\s*\"([^\"]*[a-z]{2}[^\"]*)\""
    )
    found = [
        (path.name, match[1])
        for path in sorted((ROOT / "client/steeple/app/ui/kv").glob("*.kv"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if (match := bare.match(line)) and match[1] != "search.example.org:50051"
    ]
    assert found == [("settings.kv", "stp_…")]
