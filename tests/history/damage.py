"""Damage to the saved index, while no server runs."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tests.history.generator import Damage


class SavedIndex:
    """The folder that servers save their index in, and an older copy of it.

    Args:
        folder: The servers'.
        copy: Where copies are kept.
    """

    def __init__(self, folder: Path, copy: Path) -> None:
        self._folder = folder
        self._copy = copy

    def suffer(self, damage: Damage, chance: random.Random) -> str:
        """Damages it, if anything is saved; then now and then copies what there is, to come back later.

        Returns:
            What was done, for people.
        """
        done = self._damaged(damage, chance)
        if done == Damage.NONE and chance.random() < 0.5 and self._folder.is_dir():
            shutil.rmtree(self._copy, ignore_errors=True)
            shutil.copytree(self._folder, self._copy)
        return done

    def _damaged(self, damage: Damage, chance: random.Random) -> str:
        files = sorted(path for path in self._folder.rglob("*") if path.is_file())
        if damage is Damage.OLDER and self._copy.is_dir():
            shutil.rmtree(self._folder, ignore_errors=True)
            shutil.copytree(self._copy, self._folder)
            return damage
        if damage in (Damage.NONE, Damage.OLDER) or not files:
            return Damage.NONE
        file = chance.choice(files)
        content = file.read_bytes()
        if damage is Damage.DELETE:
            file.unlink()
        elif damage is Damage.TRUNCATE:
            file.write_bytes(content[: chance.randrange(len(content))] if content else b"")
        elif damage is Damage.FLIP and content:
            place = chance.randrange(len(content))
            file.write_bytes(
                content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]
            )
        elif damage is Damage.OLDER_FILE:
            older = self._copy / file.relative_to(self._folder)
            if not older.is_file():
                return Damage.NONE
            shutil.copyfile(older, file)
        return f"{damage}: {file.relative_to(self._folder)}"
