"""All that the app keeps on a device, in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from steeple.app.database import Database
from steeple.app.history import History
from steeple.app.pack_shelf import PackShelf
from steeple.app.proposals import Proposals
from steeple.app.secrets import SecretStore
from steeple.app.settings import SettingsFile
from steeple.app.waiting import Waiting
from steeple.delf.release import ModelRelease


@dataclass(frozen=True)
class AppData:
    """What the app keeps. Use it in a ``with`` block, or call :meth:`close`.

    All of it may be used from any thread. Calls that write wait for the disk; they belong on worker threads.

    Attributes:
        folder: Where all of it lies.
        settings: What the person chose.
        secrets: Where keys are.
        history: Answers.
        waiting: Queries that are answered later.
        packs: Offline packs.
        proposals: What is on its way to the server.
        problems: What was found damaged and set aside, for the person; empty if nothing.
    """

    folder: Path
    settings: SettingsFile
    secrets: SecretStore
    history: History
    waiting: Waiting
    packs: PackShelf
    proposals: Proposals
    problems: tuple[str, ...]
    _database: Database

    @staticmethod
    def open(folder: Path, *, secrets: SecretStore | None = None, release: ModelRelease | None = None) -> AppData:
        """Opens the folder, and makes it if need be.

        Args:
            folder: Where the app keeps its data.
            secrets: Of the platform, such as Android's Keystore; None: of this computer, or a file.
            release: Model release that queries are extracted with; None: the default.

        Raises:
            FailedPreconditionError: If the folder cannot be used, or was used by a newer version of the app.
        """
        raise NotImplementedError

    def erase(self) -> None:
        """Forgets everything: settings, keys, history, what waits, and packs."""
        raise NotImplementedError

    def size_bytes(self) -> int:
        """Bytes on the disk."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes all files; later calls raise."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
