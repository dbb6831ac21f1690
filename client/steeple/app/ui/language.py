"""The app's texts in the person's language, by gettext.

The texts in the code and in the KV files are English, and the keys of the catalogues in ``locale``. Right-to-left
languages turn rows around: widgets ask :attr:`Translator.rightwards`.
"""

from __future__ import annotations

import gettext
import locale
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

DOMAIN: Final = "steeple"
FOLDER: Final = Path(__file__).parent / "locale"

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "ko": "한국어"}
"""The languages there are, as they call themselves."""

_LEFTWARDS: Final = frozenset({"ar", "fa", "he", "ur"})


def message(text: str) -> str:
    """Marks a text for translation where it stands, to be translated where it is shown."""
    return text


class Translator:
    """Texts in one language.

    Args:
        code: One of :data:`LANGUAGES`; any other gives English texts, laid out as that language is.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.rightwards = code.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0] not in _LEFTWARDS
        self._catalogue = gettext.translation(DOMAIN, FOLDER, [code], fallback=True)

    def __call__(self, text: str, **values: object) -> str:
        """A text in this language, with values put in place of ``{names}``."""
        if not text:  # gettext keeps the catalogue's header there
            return ""
        translated = self._catalogue.gettext(text)
        return translated.format(**values) if values else translated

    def count(self, one: str, many: str, number: int, **values: object) -> str:
        """A text about a number of things, which is its ``{n}``."""
        return self._catalogue.ngettext(one, many, number).format(n=number, **values)


def system_language() -> str:
    """The first of :data:`LANGUAGES` that the system asks for, or English."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        for wish in os.environ.get(name, "").split(":"):
            code = locale.normalize(wish).split("_")[0].split(".")[0].lower() if wish else ""
            if code in LANGUAGES:
                return code
    return "en"


def choose(setting: str) -> str:
    """The code of the language that a setting stands for; the system's where it names none."""
    return setting if setting in LANGUAGES else system_language()
