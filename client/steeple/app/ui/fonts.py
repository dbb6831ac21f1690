"""Which font can write a text.

Kivy brings Roboto, which has Latin, Greek and Cyrillic letters, and its text provider takes every glyph of a text from
one font. Names of landmarks come in any script, so each text is given a font of the system that has its script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

ROBOTO: Final = "Roboto"

_ANDROID: Final = Path("/system/fonts")
_DEBIAN: Final = Path("/usr/share/fonts")
FOLDERS: Final = (_ANDROID, _DEBIAN, Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")


@dataclass(frozen=True)
class Script:
    """Letters that Roboto lacks.

    Attributes:
        name: Of the script, English.
        ranges: Its code points, first and last of each block.
        files: (regular, bold) names of font files that have them, the best first.
        rightwards: Whether it is written from left to right.
    """

    name: str
    ranges: tuple[tuple[int, int], ...]
    files: tuple[tuple[str, str], ...]
    rightwards: bool = True


_CJK: Final = (
    ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"),
    ("NotoSansKR-Regular.otf", "NotoSansKR-Bold.otf"),
)

SCRIPTS: Final = (
    Script(
        "Hangul",
        ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF)),
        (
            ("NotoSansKR-Regular.ttf", "NotoSansKR-Bold.ttf"),
            *_CJK,
            ("NanumBarunGothic.ttf", "NanumBarunGothicBold.ttf"),
            ("NanumGothic.ttf", "NanumGothicBold.ttf"),
            ("UnDotum.ttf", "UnDotumBold.ttf"),
        ),
    ),
    Script(
        "Han and Kana",
        ((0x2E80, 0x30FF), (0x31C0, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF)),
        (*_CJK, ("DroidSansFallback.ttf", "DroidSansFallback.ttf"), ("wqy-microhei.ttc", "wqy-microhei.ttc")),
    ),
    Script(
        "Arabic",
        ((0x0600, 0x06FF), (0x0750, 0x077F), (0x08A0, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)),
        (("NotoNaskhArabic-Regular.ttf", "NotoNaskhArabic-Bold.ttf"), ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")),
        rightwards=False,
    ),
    Script(
        "Hebrew",
        ((0x0590, 0x05FF), (0xFB1D, 0xFB4F)),
        (("NotoSansHebrew-Regular.ttf", "NotoSansHebrew-Bold.ttf"), ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")),
        rightwards=False,
    ),
    Script(
        "Devanagari",
        ((0x0900, 0x097F),),
        (("NotoSansDevanagari-Regular.otf", "NotoSansDevanagari-Bold.otf"),
         ("NotoSansDevanagari-Regular.ttf", "NotoSansDevanagari-Bold.ttf")),
    ),
    Script(
        "Thai",
        ((0x0E00, 0x0E7F),),
        (("NotoSansThai-Regular.ttf", "NotoSansThai-Bold.ttf"), ("Loma.ttf", "Loma-Bold.ttf")),
    ),
    Script(
        "Armenian, Georgian",
        ((0x0530, 0x058F), (0x10A0, 0x10FF)),
        (("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"), ("NotoSansArmenian-Regular.ttf", "NotoSansArmenian-Bold.ttf")),
    ),
)  # fmt: skip


def script_of(text: str) -> Script | None:
    """The script of the first letter that Roboto lacks; None if it has them all."""
    for letter in text:
        if letter > "\u04ff":  # before that are Latin, Greek and Cyrillic
            code = ord(letter)
            for script in SCRIPTS:
                if any(first <= code <= last for first, last in script.ranges):
                    return script
    return None


class Fonts:
    """Finds fonts of the system, and remembers what it found.

    Args:
        folders: Where to look, with what is below them.
    """

    def __init__(self, folders: Iterable[Path] = FOLDERS) -> None:
        self._folders = tuple(folders)
        self._files: dict[str, Path] | None = None
        self.font_for = lru_cache(maxsize=512)(self._font_for)

    def _font_for(self, text: str, bold: bool = False) -> str:
        """The font that can write a text.

        Args:
            text: Any.
            bold: Whether its letters are to be bold.

        Returns:
            The path of a font file, or ``Roboto`` where that has all letters or no font has them.
        """
        script = script_of(text)
        if script is None:
            return ROBOTO
        found = self.find(script.files, bold=bold)
        return ROBOTO if found is None else str(found)

    def find(self, files: Sequence[tuple[str, str]], *, bold: bool = False) -> Path | None:
        """The first of these fonts that the system has; the regular one where a bold one is missing."""
        there = self._there()
        for regular, strong in files:
            for name in (strong, regular) if bold else (regular,):
                if name in there:
                    return there[name]
        return None

    def _there(self) -> dict[str, Path]:
        if self._files is None:
            wanted = {name for script in SCRIPTS for pair in script.files for name in pair}
            self._files = {}
            for folder in self._folders:
                for path in folder.rglob("*") if folder.is_dir() else ():
                    if path.name in wanted:
                        self._files.setdefault(path.name, path)
        return self._files
